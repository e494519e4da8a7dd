import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { sharedCluster } from '#test/support/bed.ts';

/** A folder with ca.crt and ca.key. */
export interface Authority {
  readonly folder: string;
}

/** PEM texts. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

const run = promisify(execFile);
const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

/** An authority that the cluster does not know. */
export async function makeAuthority(): Promise<Authority> {
  const folder = await mkdtemp(join(tmpdir(), 'hatchery-serve-'));
  await run('openssl', [
    ...['req', '-x509', ...NEW_KEY, '-subj', '/CN=strangers', '-addext', 'keyUsage=critical,keyCertSign'],
    ...['-keyout', join(folder, 'ca.key'), '-out', join(folder, 'ca.crt')],
  ]);
  return { folder };
}

/** A certificate of this authority, for clients unless another use is said. */
export async function signClient(authority: Authority, subject: string, use = 'clientAuth'): Promise<KeyPair> {
  const base = join(await mkdtemp(join(tmpdir(), 'hatchery-serve-')), randomUUID());
  await run('openssl', [
    ...['req', '-x509', ...NEW_KEY, '-subj', subject, '-addext', 'basicConstraints=critical,CA:FALSE'],
    ...['-addext', 'keyUsage=critical,digitalSignature', '-addext', `extendedKeyUsage=${use}`],
    ...['-CA', join(authority.folder, 'ca.crt'), '-CAkey', join(authority.folder, 'ca.key')],
    ...['-keyout', `${base}.key`, '-out', `${base}.crt`],
  ]);
  const [cert, key] = await Promise.all([readFile(`${base}.crt`, 'utf8'), readFile(`${base}.key`, 'utf8')]);
  await rm(join(base, '..'), { recursive: true });
  return { cert, key };
}

/** A token of a service account of the shared cluster. */
export async function tokenOf(account: string, namespace: string): Promise<string> {
  const { kubectl } = await sharedCluster();
  return (await kubectl(['create', 'token', account, '-n', namespace])).trim();
}

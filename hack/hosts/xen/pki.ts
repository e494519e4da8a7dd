import { readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isThere } from '../../bed/files.ts';
import type { Bed } from '../../bed/bed.ts';
import { withLock } from '../../bed/lock.ts';
import { makeOwnedFolder, writeOwnedFile } from '../../bed/owner.ts';
import { run } from '../../bed/run.ts';
import { step } from '../../bed/step.ts';

/** A test bed may stand for long, and nobody renews its certificates. */
const DAYS = '3650';

/** Key and certificate of a box' libvirtd, and the authority that clients have to be known to, as PEM. */
export interface ServerCredentials {
  readonly ca: Buffer;
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** The folder in libvirt's pkipath layout that clients of all Xen hosts of a bed use; see ensureClientPki(). */
export function clientPkiFolder(bed: Pick<Bed, 'dir'>): string {
  return join(bed.dir, 'xen', 'pki', 'client');
}

/**
 * The bed's own authority for libvirt and the client certificate, made once: cacert.pem, clientcert.pem, clientkey.pem.
 * All keys are RSA and all certificates allow key encipherment: libvirt refuses others.
 */
export async function ensureClientPki(bed: Bed): Promise<string> {
  const folder = join(bed.dir, 'xen', 'pki');
  await makeOwnedFolder(bed.owner, join(bed.dir, 'xen'));
  const lock = join(bed.dir, 'xen', 'pki.lock');
  await writeOwnedFile(bed.owner, lock, '');
  await withLock(lock, { timeoutMs: 60_000 }, async () => {
    if (!(await isThere(folder))) await step("Making libvirt's certificates", () => makeClientPki(bed, folder));
  });
  return clientPkiFolder(bed);
}

async function makeClientPki(bed: Bed, folder: string): Promise<void> {
  const fresh = `${folder}.new`;
  await rm(fresh, { recursive: true, force: true });
  await makeOwnedFolder(bed.owner, join(fresh, 'client'));
  await request(bed, fresh, [
    ...['-subj', '/CN=hatchery-test-bed libvirt', '-keyout', 'cakey.pem', '-out', 'client/cacert.pem'],
    ...['-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign,cRLSign'],
  ]);
  await sign(bed, fresh, {
    subject: '/CN=hatchery-controller',
    extensions: ['extendedKeyUsage=clientAuth'],
    key: 'client/clientkey.pem',
    cert: 'client/clientcert.pem',
  });
  await rename(fresh, folder);
}

/** Makes a server certificate for a box' management address. */
export async function issueServerCredentials(bed: Bed, name: string, address: string): Promise<ServerCredentials> {
  const client = await ensureClientPki(bed);
  const folder = join(client, '..');
  const work = join(folder, name);
  await makeOwnedFolder(bed.owner, work);
  try {
    await sign(bed, folder, {
      subject: `/CN=${name}`,
      extensions: ['extendedKeyUsage=serverAuth', `subjectAltName=IP:${address},DNS:${name}`],
      key: `${name}/key.pem`,
      cert: `${name}/cert.pem`,
    });
    const read = (path: string): Promise<Buffer> => readFile(join(folder, path));
    const [ca, cert, key] = await Promise.all([
      read('client/cacert.pem'),
      read(`${name}/cert.pem`),
      read(`${name}/key.pem`),
    ]);
    return { ca, cert, key };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

interface Leaf {
  readonly subject: string;
  readonly extensions: readonly string[];
  readonly key: string;
  readonly cert: string;
}

async function sign(bed: Bed, folder: string, leaf: Leaf): Promise<void> {
  const extensions = [
    'basicConstraints=critical,CA:FALSE',
    'keyUsage=critical,digitalSignature,keyEncipherment',
    ...leaf.extensions,
  ];
  await request(bed, folder, [
    ...['-CA', 'client/cacert.pem', '-CAkey', 'cakey.pem', '-subj', leaf.subject],
    ...['-keyout', leaf.key, '-out', leaf.cert],
    ...extensions.flatMap((extension) => ['-addext', extension]),
  ]);
}

/** openssl writes private keys with mode 0600. */
async function request(bed: Bed, folder: string, args: readonly string[]): Promise<void> {
  const argv = ['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', DAYS, ...args];
  await run(argv, { timeoutMs: 60_000, cwd: folder, owner: bed.owner });
}

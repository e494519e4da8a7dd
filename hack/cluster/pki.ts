import { generateKeyPairSync } from 'node:crypto';
import { readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isThere } from '../bed/files.ts';
import type { Bed } from '../bed/bed.ts';
import { makeOwnedFolder, writeOwnedFile } from '../bed/owner.ts';
import { ensurePackages } from '../bed/packages.ts';
import { CommandError, run } from '../bed/run.ts';
import { step } from '../bed/step.ts';

/** Certificate and private key, as paths of PEM files. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

/** The control plane's certificates; one authority signs them all. */
export interface Pki {
  readonly ca: string;
  readonly server: KeyPair;
  /** What the API server shows etcd. */
  readonly etcdClient: KeyPair;
  readonly admin: KeyPair;
  readonly controllerManager: KeyPair;
  readonly controller: KeyPair;
  readonly ingress: KeyPair;
  /** What the ingress shows visitors who name no host: for 127.0.0.1 and localhost. */
  readonly ingressDefault: KeyPair;
  /** Private key that service account tokens are signed with, and its public half. */
  readonly serviceAccount: { readonly key: string; readonly publicKey: string };
}

/** The user that the controller is to the API server; manifests/ binds its role. */
export const CONTROLLER_USER = 'hatchery-controller';

/** The user that the ingress is to the API server. */
export const INGRESS_USER = 'hatchery-ingress';

/** A test bed may stand for long, and nobody renews its certificates. */
const DAYS = '3650';

interface Leaf {
  readonly name: string;
  readonly subject: string;
  readonly extensions: readonly string[];
}

const SERVER = ['extendedKeyUsage=serverAuth,clientAuth', 'subjectAltName=IP:127.0.0.1,DNS:localhost'];
const VISITED = ['extendedKeyUsage=serverAuth', 'subjectAltName=IP:127.0.0.1,DNS:localhost'];
const CLIENT = ['extendedKeyUsage=clientAuth'];
const LEAVES: readonly Leaf[] = [
  { name: 'server', subject: '/CN=kube-apiserver', extensions: SERVER },
  { name: 'etcd-client', subject: '/CN=kube-apiserver-etcd-client', extensions: CLIENT },
  { name: 'admin', subject: '/O=system:masters/CN=admin', extensions: CLIENT },
  { name: 'controller-manager', subject: '/CN=system:kube-controller-manager', extensions: CLIENT },
  { name: 'controller', subject: `/CN=${CONTROLLER_USER}`, extensions: CLIENT },
  { name: 'ingress', subject: `/CN=${INGRESS_USER}`, extensions: CLIENT },
  { name: 'ingress-default', subject: '/CN=localhost', extensions: VISITED },
];

/** The bed's certificates, made once: a bed that is started again keeps its kubeconfigs valid. */
export async function ensurePki(bed: Bed): Promise<Pki> {
  const folder = join(bed.dir, 'cluster', 'pki');
  if (!(await isThere(folder))) {
    await ensureOpenssl();
    await step("Making the control plane's certificates", () => makePki(bed, folder));
  }
  return pkiIn(folder);
}

async function makePki(bed: Bed, folder: string): Promise<void> {
  const fresh = `${folder}.new`;
  await rm(fresh, { recursive: true, force: true });
  await makeOwnedFolder(bed.owner, fresh);
  await makeAuthority(bed, fresh);
  for (const leaf of LEAVES) await signLeaf(bed, fresh, leaf);
  await makeServiceAccountKey(bed, fresh);
  await rename(fresh, folder);
}

/** Reads a key pair and the authority's certificate, for a kubeconfig that stands alone. */
export async function readCredentials(
  pki: Pki,
  pair: KeyPair,
): Promise<{ readonly ca: Buffer; readonly cert: Buffer; readonly key: Buffer }> {
  const [ca, cert, key] = await Promise.all([readFile(pki.ca), readFile(pair.cert), readFile(pair.key)]);
  return { ca, cert, key };
}

function pkiIn(folder: string): Pki {
  const pair = (name: string): KeyPair => ({ cert: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) });
  return {
    ca: join(folder, 'ca.crt'),
    server: pair('server'),
    etcdClient: pair('etcd-client'),
    admin: pair('admin'),
    controllerManager: pair('controller-manager'),
    controller: pair('controller'),
    ingress: pair('ingress'),
    ingressDefault: pair('ingress-default'),
    serviceAccount: { key: join(folder, 'service-account.key'), publicKey: join(folder, 'service-account.pub') },
  };
}

/** The certificates of a bed that has been started before. */
export function pkiOf(bed: Bed): Pki {
  return pkiIn(join(bed.dir, 'cluster', 'pki'));
}

async function makeAuthority(bed: Bed, folder: string): Promise<void> {
  await openssl(bed, folder, [
    ...['-subj', '/CN=hatchery-test-bed'],
    ...['-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign,cRLSign'],
    ...['-keyout', 'ca.key', '-out', 'ca.crt'],
  ]);
}

async function signLeaf(bed: Bed, folder: string, leaf: Leaf): Promise<void> {
  const extensions = ['basicConstraints=critical,CA:FALSE', 'keyUsage=critical,digitalSignature', ...leaf.extensions];
  await openssl(bed, folder, [
    ...['-subj', leaf.subject, '-CA', 'ca.crt', '-CAkey', 'ca.key'],
    ...extensions.flatMap((extension) => ['-addext', extension]),
    ...['-keyout', `${leaf.name}.key`, '-out', `${leaf.name}.crt`],
  ]);
}

async function openssl(bed: Bed, folder: string, args: readonly string[]): Promise<void> {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const argv = ['openssl', 'req', '-x509', ...key, '-days', DAYS, ...args];
  await run(argv, { timeoutMs: 30_000, cwd: folder, owner: bed.owner });
}

async function makeServiceAccountKey(bed: Bed, folder: string): Promise<void> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'sec1', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  const { serviceAccount } = pkiIn(folder);
  await writeOwnedFile(bed.owner, serviceAccount.key, privateKey, 0o600);
  await writeOwnedFile(bed.owner, serviceAccount.publicKey, publicKey);
}

async function ensureOpenssl(): Promise<void> {
  try {
    await run(['openssl', 'version'], { timeoutMs: 10_000 });
  } catch (error) {
    if (!(error instanceof CommandError) || error.failure.kind !== 'spawn') throw error;
    await ensurePackages(['openssl']);
  }
}

import { execFile } from 'node:child_process';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import type { TlsCredentials } from '#controller/libvirt/index.ts';

const openssl = async (...args: readonly string[]): Promise<void> => {
  await promisify(execFile)('openssl', args);
};

/** An authority that signs servers and clients, its files in a folder of its own. */
export interface Authority {
  readonly caFile: string;
  /** Signs a server certificate with these subjectAltNames (`IP:127.0.0.1`, `DNS:host`). */
  server(names: string): Promise<{ readonly cert: string; readonly key: string }>;
  /** Signs a client certificate; `ca` is what that client trusts. */
  client(): Promise<TlsCredentials>;
}

/** Makes an authority under `parent`. RSA throughout, with key encipherment: libvirt refuses other server keys. */
export const makeAuthority = async (parent: string): Promise<Authority> => {
  const folder = await mkdtemp(join(parent, 'pki-'));
  const path = (name: string): string => join(folder, name);
  await openssl(
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=test authority'],
    ...['-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign'],
    ...['-keyout', path('ca.key'), '-out', path('ca.pem')],
  );
  const sign = async (name: string, extensions: string): Promise<{ cert: string; key: string }> => {
    const files = { cert: path(`${name}.pem`), key: path(`${name}.key`) };
    await writeFile(path(`${name}.ext`), `keyUsage=critical,digitalSignature,keyEncipherment\n${extensions}\n`);
    await openssl(
      ...['req', '-newkey', 'rsa:2048', '-nodes', '-subj', `/CN=${name}`],
      ...['-keyout', files.key, '-out', path(`${name}.csr`)],
    );
    await openssl(
      ...['x509', '-req', '-in', path(`${name}.csr`), '-CA', path('ca.pem'), '-CAkey', path('ca.key')],
      ...['-CAcreateserial', '-days', '2', '-extfile', path(`${name}.ext`), '-out', files.cert],
    );
    return files;
  };
  return {
    caFile: path('ca.pem'),
    server: (names) => sign('server', `extendedKeyUsage=serverAuth\nsubjectAltName=${names}`),
    client: async () => {
      const files = await sign('client', 'extendedKeyUsage=clientAuth');
      const [ca, cert, key] = await Promise.all([path('ca.pem'), files.cert, files.key].map((file) => readFile(file)));
      return { ca: ca!, cert: cert!, key: key! };
    },
  };
};

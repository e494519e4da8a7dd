import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { join } from 'node:path';

import { codeOf, ConfigError } from './load.ts';
import type { ReadFile } from './load.ts';

/** What libvirt over TLS needs, as PEM texts. Never logged. */
export interface LibvirtPki {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/**
 * Reads cacert.pem, clientcert.pem and clientkey.pem, libvirt's own names, from a folder. Throws ConfigError where one of
 * them cannot be read, is not what its name says, or certificate and key are no pair.
 */
export const readLibvirtPki = async (folder: string, readFile: ReadFile): Promise<LibvirtPki> => {
  const load = async <T>(name: string, what: string, parse: (pem: string) => T): Promise<readonly [string, T]> => {
    const path = join(folder, name);
    const pem = await readFile(path).catch((error: unknown) => {
      throw new ConfigError(`libvirt-pki: ${path}: cannot be read (${codeOf(error)})`, { cause: error });
    });
    try {
      return [pem, parse(pem)];
    } catch {
      // The cause is left out: OpenSSL's words may hold a part of the file.
      throw new ConfigError(`libvirt-pki: ${path}: is no ${what} in PEM form`);
    }
  };
  const certificate = (pem: string): X509Certificate => new X509Certificate(pem);
  const [ca] = await load('cacert.pem', 'certificate', certificate);
  const [cert, leaf] = await load('clientcert.pem', 'certificate', certificate);
  const [key, secret] = await load<KeyObject>('clientkey.pem', 'private key without a passphrase', createPrivateKey);
  if (!leaf.checkPrivateKey(secret)) {
    throw new ConfigError(`libvirt-pki: ${folder}: clientkey.pem is not the key of clientcert.pem`);
  }
  return { ca, cert, key };
};

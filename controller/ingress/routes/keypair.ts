import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { SecureContext } from 'node:tls';

import type { Secret } from '#controller/kube/index.ts';

/** Ready for handshakes. */
export interface Certificate {
  /** TLS 1.2 at least. A server's own minVersion counts where the context comes from its SNICallback: set it there too. */
  readonly context: SecureContext;
  /** SHA-256 of the leaf: two names with the same are served by the same certificate. */
  readonly fingerprint: string;
}

export type KeyPair =
  | { readonly kind: 'usable'; readonly certificate: Certificate; readonly leaf: X509Certificate }
  /** `fault`: what is wrong with which key of the Secret. Holds nothing of the key. */
  | { readonly kind: 'unusable'; readonly fault: string };

const MIN_VERSION = 'TLSv1.2';

/** Reads a Secret's tls.crt (leaf first, then its chain) and tls.key. */
export const keyPairOf = ({ data = {} }: Secret): KeyPair => {
  const [certText, keyText] = [data['tls.crt'], data['tls.key']];
  if (certText === undefined) return unusable('it has no tls.crt');
  if (keyText === undefined) return unusable('it has no tls.key');
  return readKeyPair(Buffer.from(certText, 'base64'), Buffer.from(keyText, 'base64'));
};

/** Reads certificate and key in PEM. */
export const readKeyPair = (cert: Buffer, key: Buffer): KeyPair => {
  const leaf = attempt(() => new X509Certificate(cert));
  if (leaf === undefined) return unusable('tls.crt is no certificate in PEM');
  const privateKey = attempt((): KeyObject => createPrivateKey(key));
  if (privateKey === undefined) return unusable('tls.key is no private key in PEM without a passphrase');
  if (!leaf.checkPrivateKey(privateKey)) return unusable('tls.key is not the key of the certificate in tls.crt');
  const context = attempt(() => createSecureContext({ cert, key, minVersion: MIN_VERSION }));
  if (context === undefined)
    return unusable('OpenSSL refuses tls.crt with tls.key (a chain that is broken, or a weak key)');
  return { kind: 'usable', certificate: { context, fingerprint: leaf.fingerprint256 }, leaf };
};

const unusable = (fault: string): KeyPair => ({ kind: 'unusable', fault });

/** OpenSSL says by throwing that it cannot use something; its texts speak of ASN.1, ours of the Secret. */
const attempt = <T>(read: () => T): T | undefined => {
  try {
    return read();
  } catch {
    return undefined;
  }
};

import { createPrivateKey, generateKeyPairSync, randomBytes, sign, X509Certificate } from 'node:crypto';
import { isIPv4, isIPv6 } from 'node:net';

import { bitString, generalizedTime, integer, isTrue, octetString, oid, sequence, set, tagged, utf8 } from './der.ts';

/** What an HTTPS server shows, PEM: the certificate first, then, where there are any, those between it and its authority. */
export interface ServingCertificate {
  readonly cert: string;
  readonly key: string;
}

/** Longer than any process lives. */
const YEARS = 10;
/** Clocks of clients may be behind. */
const BACKDATED_MS = 3_600_000;

const ECDSA_WITH_SHA256 = sequence(oid('1.2.840.10045.4.3.2'));

/**
 * A new key (P-256) and a certificate that it signs itself, for these host names and addresses. Node cannot make one, and
 * the libraries that can bring a dozen packages; what is needed are the hundred lines here and in der.ts.
 */
export function selfSigned(hosts: readonly string[], now: Date): ServingCertificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const name = sequence(set(sequence(oid('2.5.4.3'), utf8('hatchery-controller'))));
  const end = new Date(now);
  end.setUTCFullYear(now.getUTCFullYear() + YEARS);
  const content = sequence(
    tagged(0, true, integer(Buffer.of(2))),
    integer(Buffer.concat([Buffer.of(1), randomBytes(15)])),
    ECDSA_WITH_SHA256,
    name,
    sequence(generalizedTime(new Date(now.getTime() - BACKDATED_MS)), generalizedTime(end)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(3, true, extensions(hosts)),
  );
  const signature = sign('sha256', content, privateKey);
  const certificate = new X509Certificate(sequence(content, ECDSA_WITH_SHA256, bitString(signature)));
  return { cert: certificate.toString(), key: String(privateKey.export({ type: 'pkcs8', format: 'pem' })) };
}

function extensions(hosts: readonly string[]): Buffer {
  const critical = (id: string, value: Uint8Array) => sequence(oid(id), isTrue(), octetString(value));
  const serverAuth = oid('1.3.6.1.5.5.7.3.1');
  return sequence(
    // basicConstraints: no authority.
    critical('2.5.29.19', sequence()),
    // keyUsage: digitalSignature, the first bit.
    critical('2.5.29.15', bitString(Buffer.of(0x80), 7)),
    sequence(oid('2.5.29.37'), octetString(sequence(serverAuth))),
    sequence(oid('2.5.29.17'), octetString(sequence(...hosts.map(alternativeName)))),
  );
}

function alternativeName(host: string): Buffer {
  return isIPv4(host) || isIPv6(host) ? tagged(7, false, addressBytes(host)) : tagged(2, false, Buffer.from(host));
}

function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number));
  // The URL parser brings an IPv6 address into its one canonical form.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':'));
  const [first, last] = [groups(head), groups(tail ?? '')];
  const zeros = Array.from({ length: 8 - first.length - last.length }, () => '0');
  return Buffer.from([...first, ...zeros, ...last].map((group) => group.padStart(4, '0')).join(''), 'hex');
}

/**
 * Checks a certificate and a key that were named. Throws an Error whose message is what is wrong with them; it holds nothing
 * of the key.
 */
export function checkServing({ cert, key }: ServingCertificate): void {
  let leaf: X509Certificate;
  try {
    leaf = new X509Certificate(cert);
  } catch {
    throw new Error('the certificate is none in PEM form');
  }
  let matches: boolean;
  try {
    matches = leaf.checkPrivateKey(createPrivateKey(key));
  } catch {
    // The cause is left out: OpenSSL's words may hold a part of the file.
    throw new Error('the private key is none in PEM form without a passphrase');
  }
  if (!matches) throw new Error('the private key is not that of the certificate');
}

/** The served certificate alone, PEM: what clients are to trust, and nothing else. */
export function anchorOf({ cert }: ServingCertificate): string {
  return new X509Certificate(cert).toString();
}

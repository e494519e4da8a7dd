import { createHash } from 'node:crypto';

import { ipv4Value } from './ipv4.ts';

/**
 * Hatchery's own namespace for name-based UUIDs (RFC 4122, 4.3). Never changes: the UUID of a domain that runs now is
 * found again from its resource alone, by this and any later version.
 */
export const ATTEMPT_NAMESPACE = '5f1c2a0e-8d34-4b7e-9a41-6c0d3e9b7f25';

/** UUID (version 5) of the domain that runs an attempt of a resource; the same for the same resource and attempt. */
export const attemptUuid = (resourceUid: string, attempt: number): string => {
  const hash = createHash('sha1')
    .update(Buffer.from(ATTEMPT_NAMESPACE.replaceAll('-', ''), 'hex'))
    .update(`${resourceUid}/${attempt}`, 'utf8')
    .digest();
  const bytes = hash.subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x50;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
};

/**
 * Name of a domain at libvirt. It is made from the address, so that the host itself refuses a second holder of an
 * address; from the UUID where the domain has no address.
 */
export const domainName = (address: string | undefined, uuid: string): string =>
  `edom-${address === undefined ? uuid : address.replaceAll('.', '-')}`;

/**
 * MAC address that belongs to an IPv4 address: always the same one, so that no neighbour entry goes stale when an
 * address is given to the next domain, and never one that another address has. Xen's own prefix 00:16:3e leaves three
 * bytes, one too few to hold an address, so two addresses of unlike networks on one bridge could meet; hence a locally
 * administered address (bit 1 of the first byte), the letter H, and the four bytes of the address.
 */
export const macOf = (address: string): string => {
  const value = ipv4Value(address);
  if (value === undefined) throw new TypeError(`no IPv4 address: ${JSON.stringify(address)}`);
  const octets = [0x02, 0x48, value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff];
  return octets.map((octet) => octet.toString(16).padStart(2, '0')).join(':');
};

/** A range of IPv4 addresses in canonical form: the first address is its network address. */
export interface Cidr {
  /** As text: `198.18.4.128/25`. */
  readonly text: string;
  /** Network address and broadcast address, as unsigned 32-bit numbers. */
  readonly first: number;
  readonly last: number;
  /** Length of the prefix, 0 to 32. */
  readonly prefix: number;
}

export type CidrReading = { readonly ok: true; readonly cidr: Cidr } | { readonly ok: false; readonly why: string };

const OCTET = /^(?:0|[1-9][0-9]{0,2})$/;

/** The unsigned 32-bit number of a dotted-quad address; undefined where the text is none (no octal, no short forms). */
export const ipv4Value = (text: string): number | undefined => {
  const octets = text.split('.');
  if (octets.length !== 4 || !octets.every((octet) => OCTET.test(octet) && Number(octet) <= 255)) return undefined;
  return octets.reduce((value, octet) => value * 256 + Number(octet), 0);
};

/** Dotted quad of an unsigned 32-bit number. */
export const ipv4Text = (value: number): string =>
  [value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff].join('.');

/** Reads `A.B.C.D/N`; refuses text with host bits set, and says the range that may have been meant. */
export const parseCidr = (text: string): CidrReading => {
  const [address = '', length = '', ...rest] = text.split('/');
  const value = ipv4Value(address);
  if (value === undefined || rest.length > 0 || !/^(?:[0-9]|[12][0-9]|3[0-2])$/.test(length)) {
    return { ok: false, why: `${JSON.stringify(text)} is no IPv4 range such as 198.18.4.128/25` };
  }
  const prefix = Number(length);
  const size = 2 ** (32 - prefix);
  const first = value - (value % size);
  if (first !== value) {
    return { ok: false, why: `${text} has host bits set: did you mean ${ipv4Text(first)}/${prefix}?` };
  }
  return { ok: true, cidr: { text: `${ipv4Text(first)}/${prefix}`, first, last: first + size - 1, prefix } };
};

/** Whether an address (dotted quad) lies in a range. */
export const cidrContains = (cidr: Cidr, address: string): boolean => {
  const value = ipv4Value(address);
  return value !== undefined && value >= cidr.first && value <= cidr.last;
};

/** Whether two ranges have an address in common. */
export const cidrsOverlap = (one: Cidr, other: Cidr): boolean => one.first <= other.last && other.first <= one.last;

/** Netmask of a range as a dotted quad: 255.255.255.128 for a /25. */
export const netmaskOf = (cidr: Cidr): string => ipv4Text(2 ** 32 - 2 ** (32 - cidr.prefix));

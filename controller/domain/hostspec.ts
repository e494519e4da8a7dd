import type { DomainHostSpec } from '#controller/api/index.ts';

import { isGuestAddress } from './addresses.ts';
import { readHostUri } from './hosturi.ts';
import type { HostUri } from './hosturi.ts';
import { cidrsOverlap, ipv4Text, parseCidr } from './ipv4.ts';
import type { Cidr } from './ipv4.ts';
import { quantityKiB } from './quantity.ts';

/** Where a host's guests are on the network. */
export interface HostNetwork {
  readonly cidr: Cidr;
  readonly gateway: string;
  /** None on the test driver only. */
  readonly bridge: string | undefined;
  readonly vifScript: string | undefined;
  readonly mtu: number | undefined;
}

/** A DomainHost's spec made usable: defaults filled in, every value checked. */
export interface HostConfig {
  readonly uri: HostUri;
  /** None: the host's domains get no interface and no address. */
  readonly network: HostNetwork | undefined;
  /** Absolute path, without a slash at its end. */
  readonly imageDirectory: string;
  /** Infinity where not said; 0 places none. */
  readonly maxDomains: number;
  readonly maxStarting: number;
  readonly reservedMemoryKiB: number;
}

/** One thing that is wrong, and what to change. */
export interface HostSpecFault {
  /** `spec.domainCIDR` */
  readonly field: string;
  readonly why: string;
}

export type HostSpecReading =
  | { readonly ok: true; readonly config: HostConfig }
  | { readonly ok: false; readonly faults: readonly [HostSpecFault, ...HostSpecFault[]] };

/** Where a DomainHost does not say. */
export const HOST_DEFAULTS = { imageDirectory: '/var/lib/hatchery/images', maxStarting: 4 } as const;

/** Notes one thing that is wrong: an administrator reads all of it at once. */
type Refuse = (field: keyof DomainHostSpec, why: string) => void;

/** Checks a DomainHost's spec: the values that a host worker may use, or everything that is wrong with it. */
export const readHostSpec = (spec: DomainHostSpec): HostSpecReading => {
  const faults: HostSpecFault[] = [];
  const refuse: Refuse = (field, why) => void faults.push({ field: `spec.${field}`, why });
  const reading = readHostUri(spec.uri);
  if (!reading.ok) refuse('uri', reading.why);
  const uri = reading.ok ? reading.uri : undefined;
  const network = readNetwork(spec, uri, refuse);
  const values = {
    uri,
    imageDirectory: readPath('imageDirectory', spec.imageDirectory ?? HOST_DEFAULTS.imageDirectory, refuse),
    maxDomains: spec.maxDomains === undefined ? Infinity : readCount('maxDomains', spec.maxDomains, 0, refuse),
    maxStarting: readCount('maxStarting', spec.maxStarting ?? HOST_DEFAULTS.maxStarting, 1, refuse),
    reservedMemoryKiB: readMemory(spec.reservedMemory ?? 0, refuse),
  };
  const [first, ...more] = faults;
  if (first !== undefined) return { ok: false, faults: [first, ...more] };
  return { ok: true, config: { ...whole(values), network } };
};

/** All faults in one line, for a condition's message. */
export const describeFaults = (faults: readonly HostSpecFault[]): string =>
  faults.map(({ field, why }) => `${field}: ${why}`).join('; ');

type Whole<T> = { readonly [K in keyof T]: Exclude<T[K], undefined> };

/** The same values, none undefined: a value is only ever left out together with a fault. */
const whole = <T extends object>(values: T): Whole<T> => {
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) throw new Error(`spec.${name} was refused without a fault`);
  }
  return values as Whole<T>;
};

const readNetwork = (spec: DomainHostSpec, uri: HostUri | undefined, refuse: Refuse): HostNetwork | undefined => {
  const bridge = spec.bridge === undefined ? undefined : readBridge(spec.bridge, refuse);
  const vifScript = spec.vifScript === undefined ? undefined : readPath('vifScript', spec.vifScript, refuse);
  if (vifScript !== undefined && uri !== undefined && uri.kind !== 'xen') {
    refuse('vifScript', `only Xen has vif scripts; remove it, the host is ${uri.kind}`);
  }
  const mtu = spec.mtu === undefined ? undefined : readMtu(spec.mtu, refuse);
  if (spec.domainCIDR === undefined) {
    if (spec.gateway !== undefined) refuse('gateway', 'there is no domainCIDR that it could be in');
    if (spec.bridge !== undefined) refuse('domainCIDR', 'not set, so guests on the bridge would have no addresses');
    return undefined;
  }
  if (spec.bridge === undefined && uri !== undefined && uri.kind !== 'test') {
    refuse('bridge', 'not set, so guests could not use the addresses of domainCIDR');
  }
  const cidr = readRange(spec.domainCIDR, refuse);
  if (cidr === undefined) return undefined;
  const gateway = spec.gateway ?? ipv4Text(cidr.first + 1);
  if (!isGuestAddress(cidr, undefined, gateway)) {
    const [first, last] = [ipv4Text(cidr.first + 1), ipv4Text(cidr.last - 1)];
    refuse('gateway', `${gateway} is no address from ${first} to ${last}, those of domainCIDR`);
  }
  return { cidr, gateway, bridge, vifScript, mtu };
};

/** Ranges that no guest can be reached in (RFC 6890). */
const UNUSABLE = [
  { text: '0.0.0.0/8', what: 'this network' },
  { text: '127.0.0.0/8', what: 'loopback' },
  { text: '224.0.0.0/3', what: 'multicast and reserved' },
] as const;

const readRange = (text: string, refuse: Refuse): Cidr | undefined => {
  const reading = parseCidr(text);
  if (!reading.ok) {
    refuse('domainCIDR', reading.why);
    return undefined;
  }
  const { cidr } = reading;
  if (cidr.prefix < 16 || cidr.prefix > 29) {
    refuse('domainCIDR', `${cidr.text} has a prefix of ${cidr.prefix}; it must be from 16 to 29`);
  }
  const unusable = UNUSABLE.find((range) => {
    const other = parseCidr(range.text);
    return other.ok && cidrsOverlap(cidr, other.cidr);
  });
  if (unusable !== undefined) {
    refuse('domainCIDR', `${cidr.text} meets ${unusable.text} (${unusable.what}), where no guest can be`);
  }
  return cidr;
};

/** A network link's name as Linux takes it (dev_valid_name: at most 15 bytes), without what a script could trip over. */
const readBridge = (bridge: string, refuse: Refuse): string | undefined => {
  if (/^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/.test(bridge)) return bridge;
  refuse('bridge', `${JSON.stringify(bridge)} is no name of a bridge: at most 15 letters, digits, _ . -`);
  return undefined;
};

const readPath = (field: keyof DomainHostSpec, path: string, refuse: Refuse): string | undefined => {
  const parts = path.split('/').slice(1);
  const plain = /^\/[A-Za-z0-9_./+@:-]{0,254}$/.test(path) && !parts.includes('..') && !parts.includes('.');
  const trimmed = path.replace(/\/+$/, '');
  if (plain && trimmed !== '') return trimmed;
  refuse(field, `${JSON.stringify(path)} is no absolute path (letters, digits, _ . / + @ : - and no "..")`);
  return undefined;
};

const readCount = (field: keyof DomainHostSpec, count: number, least: number, refuse: Refuse): number | undefined => {
  if (Number.isInteger(count) && count >= least) return count;
  refuse(field, `${count} is no count of at least ${least}`);
  return undefined;
};

/** 576 is what every IPv4 host must take (RFC 791), 65,535 the most that Linux gives a bridge port. */
const readMtu = (mtu: number, refuse: Refuse): number | undefined => {
  if (Number.isInteger(mtu) && mtu >= 576 && mtu <= 65_535) return mtu;
  refuse('mtu', `${mtu} is no MTU from 576 to 65535`);
  return undefined;
};

const readMemory = (quantity: string | number, refuse: Refuse): number | undefined => {
  const kib = quantityKiB(quantity);
  if (kib !== undefined && kib >= 0) return kib;
  refuse('reservedMemory', `${JSON.stringify(quantity)} is no amount of memory such as 512Mi`);
  return undefined;
};

import { isIP, isIPv6 } from 'node:net';

/** A value read from text, or one sentence on what is wrong with it. */
export type Reading<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly why: string };

/** Where an HTTP server listens. */
export interface ListenAddress {
  /** All addresses of the machine where undefined. */
  readonly host: string | undefined;
  /** 0: any free one. */
  readonly port: number;
}

/** A range of addresses. */
export interface Cidr {
  readonly address: string;
  readonly prefix: number;
  readonly family: 'ipv4' | 'ipv6';
}

/** Names an object of a namespace. */
export interface ObjectName {
  readonly namespace: string;
  readonly name: string;
}

export interface Label {
  readonly key: string;
  readonly value: string;
}

const read = <T>(value: T): Reading<T> => ({ ok: true, value });
const refuse = (why: string): { readonly ok: false; readonly why: string } => ({ ok: false, why });
const quoted = (text: string): string => JSON.stringify(text);

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const PART = /([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)/g;
/** A day: beyond it a duration is a slip of the pen, and timers end at 24 days. */
const LONGEST_MS = 86_400_000;

/** A duration in milliseconds: `500ms`, `60s`, `5m`, `1h30m`, as Go writes them; at least 1 s, at most a day. */
export const readDuration = (text: string): Reading<number> => {
  const reading = readSpan(text);
  return reading.ok && reading.value < 1000 ? refuse(`${text} is shorter than 1s`) : reading;
};

/** The same, but it may be shorter, also `0s`. */
export const readSpan = (text: string): Reading<number> => {
  const parts = [...text.matchAll(PART)];
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text) {
    return refuse(`${quoted(text)} is no duration such as 30s, 5m or 1h30m`);
  }
  const ms = parts.reduce((sum, [, digits, unit]) => sum + Number(digits) * (UNITS[unit ?? ''] ?? 0), 0);
  if (ms > LONGEST_MS) return refuse(`${text} is longer than 24h`);
  return read(Math.round(ms));
};

export const readBoolean = (text: string): Reading<boolean> => {
  if (text === 'true' || text === 'false') return read(text === 'true');
  return refuse(`${quoted(text)} is neither true nor false`);
};

/** One word of a list. */
export const readChoice =
  <T extends string>(choices: readonly T[]) =>
  (text: string): Reading<T> => {
    const choice = choices.find((one) => one === text);
    return choice === undefined ? refuse(`${quoted(text)} is none of ${choices.join(', ')}`) : read(choice);
  };

/** `HOST:PORT`, `[IPV6]:PORT` or `:PORT` for all addresses of the machine. */
export const readListenAddress = (text: string): Reading<ListenAddress> => {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]/]*)):([0-9]{1,5})$/.exec(text);
  const [, ipv6, name, digits] = match ?? [];
  const port = Number(digits);
  if (match === null || port > 65_535 || (ipv6 !== undefined && !isIPv6(ipv6))) {
    return refuse(`${quoted(text)} is no HOST:PORT such as 127.0.0.1:9402 or :9402`);
  }
  const host = ipv6 ?? name;
  return read({ host: host === '' ? undefined : host, port });
};

/** The same, or `off` for nowhere. */
export const readListenAddressOrOff = (text: string): Reading<ListenAddress | undefined> =>
  text === 'off' ? read(undefined) : readListenAddress(text);

/** An IPv4 address or a name, without a port. */
export const readHost = (text: string): Reading<string> =>
  /^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/.test(text)
    ? read(text)
    : refuse(`${quoted(text)} is no host such as 192.0.2.7 or hatchery.example.org`);

const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/;
const SUBDOMAIN = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;

/** `KEY=VALUE` of a Kubernetes label (the key perhaps with a prefix). */
export const readLabel = (text: string): Reading<Label> => {
  const [key = '', value, ...rest] = text.split('=');
  const [name = '', prefix, ...more] = key.split('/').reverse();
  const isKey = NAME.test(name) && (prefix === undefined || SUBDOMAIN.test(prefix)) && more.length === 0;
  if (!isKey || value === undefined || rest.length > 0 || !(value === '' || NAME.test(value))) {
    return refuse(`${quoted(text)} is no label KEY=VALUE such as hatchery.dev/dom0=true`);
  }
  return read({ key, value });
};

/** A name that can stand in a Lease: 1 to 253 visible characters without blanks. */
export const readIdentity = (text: string): Reading<string> =>
  /^[!-~]{1,253}$/.test(text) ? read(text) : refuse(`${quoted(text)} is no name of 1 to 253 characters without blanks`);

/** A namespace's name (RFC 1123 label). */
export const readNamespace = (text: string): Reading<string> =>
  /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(text) ? read(text) : refuse(`${quoted(text)} is no name of a namespace`);

export const readText = (text: string): Reading<string> => (text === '' ? refuse('is empty') : read(text));

/** Words of a list, with commas between them. */
export const readList =
  <T>(readOne: (text: string) => Reading<T>) =>
  (text: string): Reading<readonly T[]> => {
    const values: T[] = [];
    for (const part of text.split(',')) {
      const reading = readOne(part.trim());
      if (!reading.ok) return reading;
      values.push(reading.value);
    }
    return read(values);
  };

/** `ADDRESS/PREFIX`, IPv4 or IPv6. */
export const readCidr = (text: string): Reading<Cidr> => {
  const [address = '', digits = '', ...rest] = text.split('/');
  const version = isIP(address);
  const prefix = Number(digits);
  const most = version === 4 ? 32 : 128;
  if (version === 0 || rest.length > 0 || !/^[0-9]{1,3}$/.test(digits) || prefix > most) {
    return refuse(`${quoted(text)} is no CIDR such as 192.0.2.0/24`);
  }
  return read({ address, prefix, family: version === 4 ? 'ipv4' : 'ipv6' });
};

/** A whole number within bounds, both included. */
export const readWhole =
  (least: number, most: number) =>
  (text: string): Reading<number> => {
    const value = Number(text);
    if (!/^[0-9]{1,9}$/.test(text) || value < least || value > most) {
      return refuse(`${quoted(text)} is no whole number from ${least} to ${most}`);
    }
    return read(value);
  };

/** `NAMESPACE/NAME`. */
export const readObjectName = (text: string): Reading<ObjectName> => {
  const [namespace = '', name = '', ...rest] = text.split('/');
  if (!readNamespace(namespace).ok || !SUBDOMAIN.test(name) || rest.length > 0) {
    return refuse(`${quoted(text)} is no NAMESPACE/NAME`);
  }
  return read({ namespace, name });
};

import type { HostKind } from '../hosts/host.ts';

/** One host that a bed is to have: its kind and its number from 1. */
export interface HostChoice {
  readonly kind: HostKind;
  readonly number: number;
}

/** Something in the command's input that makes no sense; the program says so in one line and ends with status 2. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}

/** How many hosts of each kind a bed can have: Xen and LXC hosts share a bed's 14 address ranges. */
export const LIMITS: Readonly<Record<HostKind, number>> = { xen: 7, lxc: 7, test: 64 };

const KINDS = Object.keys(LIMITS);

/** Parses HOSTS: `xen:1,lxc:2,test:4`; nothing at all means a bed without hosts. */
export function parseHosts(text: string): readonly HostChoice[] {
  if (text.trim() === '') return [];
  const counts = new Map<HostKind, number>();
  for (const part of text.split(',')) {
    const { kind, count } = parsePart(part.trim());
    if (counts.has(kind)) throw new UsageError(`HOSTS: "${kind}" is named twice; name each kind once`);
    counts.set(kind, count);
  }
  return [...counts].flatMap(([kind, count]) => Array.from({ length: count }, (_, i) => ({ kind, number: i + 1 })));
}

/** Reads a host's name, xen-1; undefined where it is none. */
export function parseHostName(name: string): HostChoice | undefined {
  const match = /^(xen|lxc|test)-([1-9]\d?)$/.exec(name);
  if (match === null) return undefined;
  const kind = match[1] as HostKind;
  const number = Number(match[2]);
  return number <= LIMITS[kind] ? { kind, number } : undefined;
}

/** The name of a host's Node. */
export function hostName({ kind, number }: HostChoice): string {
  return `${kind}-${number}`;
}

/** Parses PORT: the port that the ingress is to listen on. */
export function parsePort(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  const port = Number(text);
  if (!/^\d+$/.test(text) || port < 1 || port > 65_535) {
    throw new UsageError(`PORT: "${text}" is no port; give a whole number from 1 to 65535`);
  }
  return port;
}

function parsePart(part: string): { readonly kind: HostKind; readonly count: number } {
  const [kind, count, ...rest] = part.split(':');
  if (!isKind(kind)) {
    throw new UsageError(
      `HOSTS: "${kind ?? ''}" is no kind of host; use ${KINDS.join(', ')}, as in xen:1,lxc:2,test:4`,
    );
  }
  if (count === undefined || rest.length > 0 || !/^\d+$/.test(count)) {
    throw new UsageError(`HOSTS: "${part}" must read ${kind}:NUMBER, as in ${kind}:1`);
  }
  const value = Number(count);
  if (value < 1) throw new UsageError(`HOSTS: "${part}" asks for no host; give at least 1, or leave ${kind} out`);
  if (value > LIMITS[kind]) {
    throw new UsageError(`HOSTS: "${part}" is too many; a bed has at most ${LIMITS[kind]} hosts of kind ${kind}`);
  }
  return { kind, count: value };
}

function isKind(text: string | undefined): text is HostKind {
  return text !== undefined && KINDS.includes(text);
}

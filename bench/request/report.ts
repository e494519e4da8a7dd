import { sumOfWrites } from '../burst/api-counts.ts';
import type { WriteCounts } from '../burst/api-counts.ts';
import type { Visit } from '../spawn/visit.ts';
import { describe, quantile } from '../support/figures.ts';
import { rounded } from '../support/lives.ts';
import { guestTimesOf } from './guest-times.ts';
import type { GuestTimes } from './guest-times.ts';

const LIMITS = { creates: 1, statusWrites: 3, deletes: 1, p50Ms: 1, p95Ms: 5 } as const;

/** Writes of a request's own resource, for each request. */
interface OwnWrites {
  readonly create: number;
  readonly status: number;
  readonly delete: number;
}

interface Spread {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** Hatchery, or the floor. */
export type Arm = 'ours' | 'floor';

/** What both arms were asked, and what the API server counted while Hatchery was. */
export interface Measured extends Readonly<Record<Arm, readonly Visit[]>> {
  readonly written: readonly WriteCounts[];
}

export interface Result {
  readonly bench: 'request';
  readonly host: 'lxc';
  readonly rate: number;
  readonly requests: number;
  readonly answered200: number;
  readonly writes_per_request: OwnWrites;
  readonly writes_in_all: WriteCounts;
  readonly notify_to_first_byte_ms: Spread;
  readonly first_byte_ms: Spread;
  readonly floor: {
    readonly answered200: number;
    readonly notify_to_first_byte_ms: Spread;
    readonly first_byte_ms: Spread;
  };
  /** Hatchery's time from the notice to the first byte over the floor's. */
  readonly ratio: { readonly p50: number; readonly p95: number };
  /** What must hold and does not. */
  readonly missed: readonly string[];
}

/** Prints what was measured, and adds it up. */
export function report(rate: number, { ours: visits, floor, written }: Measured): Result {
  const asked = sumOfWrites(written);
  // Refused ones too: they were asked.
  const share = (kind: string): number => sumOf(asked, kind) / visits.length;
  const own = {
    create: share('POST ephemeraldomains'),
    status: share('PATCH ephemeraldomains/status'),
    delete: share('DELETE ephemeraldomains'),
  };
  printWrites(visits.length, asked);
  const waited = { ours: printTimes('Hatchery', visits), floor: printTimes('the floor', floor) };
  const ratio = (part: number): number => rounded(quantile(waited.ours, part) / quantile(waited.floor, part));
  return {
    bench: 'request',
    ...{ host: 'lxc', rate, requests: visits.length, answered200: served(visits).length },
    writes_per_request: { create: rounded(own.create), status: rounded(own.status), delete: rounded(own.delete) },
    writes_in_all: asked,
    notify_to_first_byte_ms: spread(waited.ours),
    first_byte_ms: spread(firstBytes(visits)),
    floor: {
      answered200: served(floor).length,
      notify_to_first_byte_ms: spread(waited.floor),
      first_byte_ms: spread(firstBytes(floor)),
    },
    ratio: { p50: ratio(0.5), p95: ratio(0.95) },
    missed: missedBy(visits, own, waited.ours),
  };
}

function printWrites(requests: number, asked: WriteCounts): void {
  console.log('\nWrites that the API server answered, for each request (and in all):');
  for (const [kind, count] of Object.entries(asked)) {
    console.log(`  ${kind.padEnd(32)} ${(count / requests).toFixed(2)} (${count})`);
  }
}

/** Returns how long each guest waited from its notice to the first byte. */
function printTimes(name: string, visits: readonly Visit[]): readonly number[] {
  const answers = Map.groupBy(visits, ({ status }) => status);
  console.log(`\nAnswers of ${name}: ${[...answers].map(([status, all]) => `${status}: ${all.length}`).join(', ')}`);
  console.log("Milliseconds, by the guest's clock but for the last:");
  const times = timesOf(visits);
  const waited = times.map(waitOf);
  const parts = {
    'notice -> first byte of the request': waited,
    'notice -> connection': times.map(({ notified, accepted }) => (accepted - notified) / 1000),
    'connection -> first byte': times.map(({ accepted, heard }) => (heard - accepted) / 1000),
    "first byte of the guest's body": firstBytes(visits),
  };
  for (const [part, all] of Object.entries(parts)) {
    console.log(`  ${part.padEnd(36)} ${describe(all, 2)}, p95 ${quantile(all, 0.95).toFixed(2)}`);
  }
  return waited;
}

/** What each guest waited from its notice to the first byte of its request, ms. */
export function waitsOf(visits: readonly Visit[]): readonly number[] {
  return timesOf(visits).map(waitOf);
}

function waitOf({ notified, heard }: GuestTimes): number {
  return (heard - notified) / 1000;
}

function timesOf(visits: readonly Visit[]): readonly GuestTimes[] {
  return served(visits).flatMap(({ body }) => guestTimesOf(body) ?? []);
}

function firstBytes(visits: readonly Visit[]): readonly number[] {
  return visits.flatMap(({ firstByteMs }) => firstByteMs ?? []);
}

function sumOf(asked: WriteCounts, kind: string): number {
  const ofIt = Object.entries(asked).filter(([key]) => key === kind || key.startsWith(`${kind} `));
  return ofIt.reduce((sum, [, count]) => sum + count, 0);
}

function missedBy(visits: readonly Visit[], own: OwnWrites, waited: readonly number[]): readonly string[] {
  const domains = new Set(served(visits).map(({ domain }) => domain));
  return [
    ...(served(visits).length < visits.length
      ? [`${visits.length - served(visits).length} were not answered 200`]
      : []),
    ...(domains.size < served(visits).length ? ['a domain answered more than one request'] : []),
    ...(waited.length < served(visits).length ? ['not each guest told its times'] : []),
    ...(own.create > LIMITS.creates ? ['more than one create for a request'] : []),
    ...(own.status > LIMITS.statusWrites ? ['more than three status writes for a request'] : []),
    ...(own.delete > LIMITS.deletes ? ['more than one delete for a request'] : []),
    ...(quantile(waited, 0.5) > LIMITS.p50Ms ? [`notice to first byte: p50 over ${LIMITS.p50Ms} ms`] : []),
    ...(quantile(waited, 0.95) > LIMITS.p95Ms ? [`notice to first byte: p95 over ${LIMITS.p95Ms} ms`] : []),
  ];
}

function served(visits: readonly Visit[]): readonly Visit[] {
  return visits.filter(({ status }) => status === 200);
}

function spread(all: readonly number[]): Spread {
  const at = (part: number): number => rounded(quantile(all, part));
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}

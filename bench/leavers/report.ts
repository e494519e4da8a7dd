import { quantile } from '../support/figures.ts';
import type { Census } from '../support/census.ts';
import type { AccessLine } from '../support/front.ts';
import { rounded } from '../support/lives.ts';
import type { Run } from '../support/starts.ts';
import { readAudit } from './audit.ts';
import type { Asked, AuditLine } from './audit.ts';
import type { Resources } from './resources.ts';

/** One who left, and what the ingress said of it. Times of performance.now(). */
export interface Leaver {
  readonly path: string;
  readonly leftAt: number;
  readonly line: AccessLine;
}

/** What one phase came to. */
export interface Row {
  readonly name: string;
  readonly visitors: number;
  /** Who left within that phase: the access log names it, and libvirt's events do not speak against it. */
  readonly hit: number;
  /** By the phase that the access log names. */
  readonly logged: Readonly<Record<string, number>>;
  readonly resources: number;
  readonly domains: number;
  readonly peak: number;
  /** Domains that ran longer than a second for nobody. */
  readonly over1s: number;
  /** How long domains ran for nobody, milliseconds. */
  readonly forNobodyMs: Spread | undefined;
  /** From the leave, or from the answer to a POST that was under way then, to the DELETE's arrival; milliseconds. */
  readonly deleteMs: Spread | undefined;
  readonly deletes: number;
  /** Until all was as before, seconds. */
  readonly settledSeconds: number;
  readonly failures: readonly string[];
}

export interface Spread {
  readonly p50: number;
  readonly p95: number;
  readonly max: number;
}

/** All that a row is made of. */
export interface Findings {
  readonly name: string;
  readonly leavers: readonly Leaver[];
  /** What the log may call that phase; undefined: anything. */
  readonly phases: readonly string[] | undefined;
  readonly started: boolean | undefined;
  /** Most domains that there may be at a time, where that was said. */
  readonly limit: number | undefined;
  readonly settled: { readonly after: Census; readonly seconds: number; readonly asBefore: boolean };
  readonly peak: number;
  readonly runs: ReadonlyMap<string, Run>;
  readonly resources: Pick<Resources, 'byPath'>;
  readonly audit: readonly AuditLine[];
}

const LONG_MS = 1000;

/** Adds up what is known of those who left. Pure. */
export function rowOf({ name, leavers, phases, started, limit, settled, peak, runs, resources, audit }: Findings): Row {
  const asked = readAudit(audit);
  const all = leavers.map((leaver) => {
    const seen = resources.byPath.get(leaver.path);
    const run = seen === undefined ? undefined : runs.get(seen.uuid);
    return { ...leaver, seen, run, asked: seen === undefined ? undefined : asked.get(seen.name) };
  });
  const forNobody = all.flatMap(({ run, leftAt }) => (run === undefined ? [] : [ranForNobody(run, leftAt)]));
  const deletes = all.flatMap((one) => deleteDelay(one.leftAt, one.asked) ?? []);
  const isHit = ({ line, run, leftAt }: (typeof all)[number]): boolean =>
    isWord(line.phase, phases) && (started === undefined || wasRunning(run, leftAt) === started);
  const unlike = all.filter(({ line }) => line.reason !== 'visitor-left');
  return {
    ...{
      name,
      visitors: all.length,
      hit: all.filter(isHit).length,
      logged: countOf(all.map(({ line }) => line.phase ?? '')),
    },
    resources: all.filter(({ seen }) => seen !== undefined).length,
    ...{ domains: forNobody.length, peak, over1s: forNobody.filter((ms) => ms > LONG_MS).length },
    forNobodyMs: spreadOf(forNobody),
    deleteMs: spreadOf(deletes),
    deletes: all.reduce((sum, one) => sum + (one.asked?.deletes ?? 0), 0),
    settledSeconds: rounded(settled.seconds),
    failures: [
      ...(settled.asBefore ? [] : [`it is not as before: ${JSON.stringify(settled.after)}`]),
      ...(unlike.length === 0 ? [] : [`${unlike.length} did not leave by the log: ${JSON.stringify(unlike[0]?.line)}`]),
      ...(limit === undefined || peak <= limit ? [] : [`${peak} domains at a time where ${limit} may be`]),
    ],
  };
}

/** One line for people. */
export function describeRow(row: Row): string {
  const { name, visitors, hit, resources, domains, peak, over1s, forNobodyMs, deleteMs, settledSeconds } = row;
  return [
    `${name.padEnd(14)} ${visitors} left, ${hit} in that phase ${JSON.stringify(row.logged)}`,
    `${resources} resources, ${domains} domains, at most ${peak} at a time, ${over1s} for over 1 s`,
    `for nobody ${wordsOf(forNobodyMs)}`,
    `DELETE after ${wordsOf(deleteMs)}`,
    `as before after ${settledSeconds} s`,
  ].join('; ');
}

function ranForNobody({ startedAt, endedAt = Infinity }: Run, leftAt: number): number {
  return Math.max(0, endedAt - Math.max(leftAt, startedAt));
}

function wasRunning(run: Run | undefined, at: number): boolean {
  return run !== undefined && run.startedAt <= at && (run.endedAt ?? Infinity) > at;
}

function deleteDelay(leftAt: number, asked: Asked | undefined): number | undefined {
  if (asked?.deleteReceivedAt === undefined) return undefined;
  return asked.deleteReceivedAt - Math.max(leftAt, asked.createdAt ?? 0);
}

function isWord(word: string | undefined, words: readonly string[] | undefined): boolean {
  return words === undefined || words.includes(word ?? '');
}

function countOf(words: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}

function spreadOf(values: readonly number[]): Spread | undefined {
  if (values.length === 0) return undefined;
  const at = (part: number): number => rounded(quantile(values, part));
  return { p50: at(0.5), p95: at(0.95), max: at(1) };
}

function wordsOf(spread: Spread | undefined): string {
  return spread === undefined ? 'none' : `${spread.p50}/${spread.p95}/${spread.max} ms (p50/p95/max)`;
}

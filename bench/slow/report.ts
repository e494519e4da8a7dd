import type { Census } from '../support/census.ts';
import { median, quantile } from '../support/figures.ts';
import { rounded } from '../support/lives.ts';
import type { CrowdCounts } from './crowd.ts';

/** One that is timed. */
export interface Request {
  readonly firstByteMs: number | undefined;
  readonly status: number;
  readonly marker: string | undefined;
  readonly error?: string;
}

/** A while of steady requests, with or without a crowd beside. */
export interface Block {
  readonly requests: readonly Request[];
  /** Resident memory of the ingress, sampled. */
  readonly rssKiB: readonly number[];
  /** Of the ingress. */
  readonly cpuSeconds: number;
  readonly crowd:
    | {
        readonly counts: CrowdCounts;
        /** The block without a crowd just before. */
        readonly calm: Pick<Block, 'rssKiB'>;
        /** Domains that were started for it. */
        readonly domains: number;
        readonly hatches: boolean;
        /** By the ingress' access log; '' where it had its whole answer. */
        readonly reasons: readonly string[];
      }
    | undefined;
  /** What was not as before, once the crowd was gone. */
  readonly leftover: Census | undefined;
  readonly settledSeconds: number;
}

/** What all blocks of a form came to. Milliseconds to the first byte of the body. */
export interface Summary {
  readonly name: string;
  readonly n: number;
  readonly p50: number;
  readonly p95: number;
  /** Of each block. */
  readonly p95s: readonly number[];
  /** Against all blocks without a crowd. */
  readonly ratio: { readonly p50: number; readonly p95: number };
  /** By how much the ingress' resident memory grew with the crowd, for each of it, in each block. */
  readonly kibPerVisitor: readonly number[];
  readonly cpuSecondsPerBlock: number;
  /** Slow visitors that were there at once, and those that the ingress ended, by status; 0: with none. */
  readonly open: number;
  readonly ended: Readonly<Record<string, number>>;
  readonly lastedMs: number | undefined;
  readonly domains: number;
  readonly reasons: Readonly<Record<string, number>>;
  readonly settledSeconds: number;
  readonly failures: readonly string[];
}

/** Adds up. Pure. */
export function summarizeForm(
  name: string,
  blocks: readonly Block[],
  controls: readonly Block[],
  visitors: number,
): Summary {
  const times = timesOf(blocks);
  const control = timesOf(controls);
  const at = (part: number): number => quantile(times, part);
  const crowds = blocks.flatMap(({ crowd }) => crowd ?? []);
  const lasted = crowds.flatMap(({ counts }) => counts.lastedMs);
  return {
    ...{ name, n: times.length, p50: rounded(at(0.5)), p95: rounded(at(0.95)) },
    p95s: blocks.map((block) => Math.round(quantile(timesOf([block]), 0.95))),
    ratio: { p50: rounded(at(0.5) / quantile(control, 0.5)), p95: rounded(at(0.95) / quantile(control, 0.95)) },
    kibPerVisitor: blocks.flatMap((block) => memoryOf(block, visitors)),
    cpuSecondsPerBlock: rounded(median(blocks.map(({ cpuSeconds }) => cpuSeconds))),
    open: Math.min(visitors, ...crowds.map(({ counts }) => counts.mostOpen)),
    ended: sumOf(crowds.map(({ counts }) => counts.ended)),
    lastedMs: lasted.length === 0 ? undefined : Math.round(median(lasted)),
    domains: crowds.reduce((sum, { domains }) => sum + domains, 0),
    reasons: sumOf(crowds.flatMap(({ reasons }) => reasons.map((reason) => ({ [reason]: 1 })))),
    settledSeconds: rounded(Math.max(0, ...blocks.map(({ settledSeconds }) => settledSeconds))),
    failures: failuresOf(blocks, visitors),
  };
}

/** One line for people. */
export function describeForm(summary: Summary): string {
  const { name, n, p50, p95, p95s, ratio, kibPerVisitor, cpuSecondsPerBlock, ended, lastedMs, domains } = summary;
  return [
    `${name.padEnd(10)} ${n} requests, first byte p50 ${p50} ms, p95 ${p95} ms (blocks: ${p95s.join(', ')})`,
    `ratio ${ratio.p50} at p50, ${ratio.p95} at p95`,
    `ingress CPU ${cpuSecondsPerBlock} s a block`,
    ...(kibPerVisitor.length === 0
      ? []
      : [
          `${kibPerVisitor.join(', ')} KiB a visitor`,
          `ended by status ${JSON.stringify(ended)}, after ${lastedMs ?? '-'} ms (median)`,
          `${domains} domains, ${JSON.stringify(summary.reasons)}`,
          `as before after ${summary.settledSeconds} s`,
        ]),
  ].join('; ');
}

function failuresOf(blocks: readonly Block[], visitors: number): readonly string[] {
  const requests = blocks.flatMap((block) => block.requests);
  const unserved = requests.filter(({ status, marker }) => status !== 200 || marker === undefined);
  const markers = requests.flatMap(({ marker }) => marker ?? []);
  return [
    ...(unserved.length === 0 ? [] : [`${unserved.length} requests were not served: ${JSON.stringify(unserved[0])}`]),
    ...(new Set(markers).size === markers.length ? [] : ['two requests were served by one domain']),
    ...blocks.flatMap(({ crowd, leftover }) => [
      ...(crowd === undefined || crowd.counts.mostOpen >= visitors ? [] : [`only ${crowd.counts.mostOpen} were there`]),
      ...(crowd === undefined || crowd.hatches || crowd.domains <= 0 ? [] : [`${crowd.domains} domains for nothing`]),
      ...(leftover === undefined ? [] : [`it is not as before: ${JSON.stringify(leftover)}`]),
    ]),
  ];
}

function memoryOf(block: Block, visitors: number): readonly number[] {
  if (block.crowd === undefined) return [];
  return [rounded((median(laterRss(block)) - median(laterRss(block.crowd.calm))) / visitors)];
}

/** Once the crowd has been there for a while. */
function laterRss({ rssKiB }: Pick<Block, 'rssKiB'>): readonly number[] {
  return rssKiB.slice(Math.floor(rssKiB.length / 2));
}

function timesOf(blocks: readonly Block[]): readonly number[] {
  return blocks.flatMap(({ requests }) => requests.flatMap(({ firstByteMs }) => firstByteMs ?? []));
}

function sumOf(counts: readonly Readonly<Record<string, number>>[]): Readonly<Record<string, number>> {
  const sums: Record<string, number> = {};
  for (const [key, count] of counts.flatMap((one) => Object.entries(one))) sums[key] = (sums[key] ?? 0) + count;
  return sums;
}

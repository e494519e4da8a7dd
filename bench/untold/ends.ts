import { rounded } from '../support/lives.ts';

/** One domain's end as three sources have it; milliseconds of one clock, undefined: not seen. */
export interface SeenEnd {
  /** Its process had ended, by /proc. */
  readonly processAt: number | undefined;
  /** libvirt's first event STOPPED. */
  readonly toldAt: number | undefined;
  /** The watch told of the resource's final status. */
  readonly storedAt: number | undefined;
}

/** A distribution, seconds. */
export interface Spread {
  readonly count: number;
  readonly p50: number;
  readonly max: number;
}

/** What many ends came to. */
export interface EndsSummary {
  /** Ends that /proc showed; the others were over between two looks. */
  readonly witnessed: number;
  /** Ends that libvirt did not tell before Hatchery had stored them: it tells them as it is made to clean up. */
  readonly untold: number;
  /** From the end of the process to the final status. */
  readonly untoldNoticed: Spread;
  readonly toldNoticed: Spread;
  /** From the end of the process to libvirt's event, where it came first. */
  readonly told: Spread;
  readonly noticedAfter10s: number;
}

/** An event this close behind the final status was under way when that was written. */
const CROSSED_MS = 50;

export function isUntold({ toldAt, storedAt }: SeenEnd): boolean {
  return storedAt !== undefined && (toldAt === undefined || toldAt > storedAt + CROSSED_MS);
}

export function summarizeEnds(ends: readonly SeenEnd[]): EndsSummary {
  const untold = ends.filter(isUntold);
  const told = ends.filter((end) => !isUntold(end));
  const noticed = (some: readonly SeenEnd[]): readonly number[] => some.flatMap((end) => between(end, 'storedAt'));
  return {
    witnessed: ends.filter(({ processAt }) => processAt !== undefined).length,
    untold: untold.length,
    untoldNoticed: spreadOf(noticed(untold)),
    toldNoticed: spreadOf(noticed(told)),
    told: spreadOf(told.flatMap((end) => between(end, 'toldAt'))),
    noticedAfter10s: noticed(ends).filter((ms) => ms > 10_000).length,
  };
}

function between(end: SeenEnd, until: 'toldAt' | 'storedAt'): readonly number[] {
  const at = end[until];
  return end.processAt === undefined || at === undefined ? [] : [at - end.processAt];
}

/** Of milliseconds. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (index: number): number => rounded((sorted[index] ?? 0) / 1000);
  return { count: sorted.length, p50: at(Math.floor((sorted.length - 1) / 2)), max: at(sorted.length - 1) };
}

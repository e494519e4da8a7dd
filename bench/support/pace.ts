import { pause } from '#hack/bed/interrupt.ts';

/** Until when, or how often, something is begun at a steady pace. */
export interface Pace {
  readonly perSecond: number;
  /** Asked before each: whether there is to be another. */
  readonly goesOn: (begun: number) => boolean;
}

/**
 * Begins one after the other at a steady pace, whatever became of those before: a slow server is not asked less. Resolves
 * with the outcome of each, in the order in which they were begun; rejects as the first does that fails.
 */
export async function steadily<T>(
  { perSecond, goesOn }: Pace,
  begin: (index: number) => Promise<T>,
): Promise<readonly T[]> {
  const started = performance.now();
  const outcomes: Promise<T>[] = [];
  while (goesOn(outcomes.length)) {
    const outcome = begin(outcomes.length);
    // It is awaited below, where a failure is heard.
    outcome.catch(() => undefined);
    outcomes.push(outcome);
    const next = started + (outcomes.length / perSecond) * 1000;
    await pause(Math.max(0, next - performance.now()));
  }
  return Promise.all(outcomes);
}

/** How often each of some words came, most frequent first. */
export function tally(words: Iterable<string>): Readonly<Record<string, number>> {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([, a], [, b]) => b - a));
}

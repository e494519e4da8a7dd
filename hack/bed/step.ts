import { AsyncLocalStorage } from 'node:async_hooks';
import { throwIfInterrupted } from './interrupt.ts';

/** Says how far a step is; the words show in its next progress line. */
export type Progress = (words: string) => void;

/** A step that was done, and how long it took. */
export interface FinishedStep {
  readonly text: string;
  readonly milliseconds: number;
}

const finished: FinishedStep[] = [];

/** The step that the calling work is part of. */
const nesting = new AsyncLocalStorage<{ stepsWithin: number }>();

/** The steps that this program has done, in the order of their ends. */
export function finishedSteps(): readonly FinishedStep[] {
  return finished;
}

/** After how many milliseconds a step that is not done yet says so, and how often it repeats that. */
const FIRST_WORD_MS = 2000;
const REPEAT_MS = 8000;

/**
 * Does one step of work and prints what it does and how long it took: `▸ text …`, then `✓ text (1.2 s)` or
 * `✗ text (1.2 s)`. Steps may run at the same time: each line names its own.
 */
export async function step<T>(text: string, work: (progress: Progress) => Promise<T>): Promise<T> {
  throwIfInterrupted();
  const start = performance.now();
  let latest = '';
  const outer = nesting.getStore();
  const self = { stepsWithin: 0 };
  const report = (): void => {
    // A step within speaks for this one.
    if (self.stepsWithin > 0) return;
    console.log(`  ${text}: ${seconds(start)}${latest === '' ? '' : `, ${latest}`}`);
  };
  console.log(`▸ ${text} …`);
  let repeat: NodeJS.Timeout | undefined;
  const first = setTimeout(() => {
    report();
    repeat = setInterval(report, REPEAT_MS);
  }, FIRST_WORD_MS);
  try {
    if (outer !== undefined) outer.stepsWithin += 1;
    const result = await nesting.run(self, () =>
      work((words) => {
        latest = words;
      }),
    );
    console.log(`✓ ${text} (${seconds(start)})`);
    finished.push({ text, milliseconds: performance.now() - start });
    return result;
  } catch (error) {
    console.log(`✗ ${text} (${seconds(start)})`);
    throw error;
  } finally {
    if (outer !== undefined) outer.stepsWithin -= 1;
    clearTimeout(first);
    clearInterval(repeat);
  }
}

/** Seconds since a time of performance.now(), as people read them. */
export function seconds(start: number): string {
  const passed = (performance.now() - start) / 1000;
  return passed < 100 ? `${passed.toFixed(1)} s` : `${Math.floor(passed / 60)} min ${Math.round(passed % 60)} s`;
}

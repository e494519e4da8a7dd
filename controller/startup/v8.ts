import { readdir, readFile } from 'node:fs/promises';
import { setPriority } from 'node:os';
import { setFlagsFromString } from 'node:v8';

/** What a crowd is refused sooner by. What V8 does not know it says on stderr, and goes on. */
const FLAGS = [
  // V8's best code after some three thousand requests, not twelve: by default it waits until a function has run 3,000 times.
  '--invocation-count-for-turbofan=500',
  // What lives as long as a crowd's connections is not taken for what lives for ever: 5 MB of each crowd got old by that,
  // and every fifth crowd had to wait while the whole heap was searched.
  '--no-allocation-site-pretenuring',
  // The young generation, which V8 lets shrink while nobody comes, has its full size again with a crowd's first scavenge.
  '--semi-space-growth-factor=16',
];

/** A tenth of the weight of a thread that answers at the ordinary nice value, 0, as in a Pod. */
const HELPERS_NICE = 10;
const THREADS = '/proc/self/task';
/** As Node names the threads on which V8 compiles and searches its heap. */
const HELPER = 'V8Worker\n';

/** Has V8 serve crowds rather than throughput; flags count from the next time that V8 looks at them. */
export const setV8Flags = (): void => {
  for (const flag of FLAGS) setFlagsFromString(flag);
};

/**
 * Lets the threads on which V8 compiles have the CPU only when the one that answers needs none: the first crowds of a process
 * have it compile for as long as they take, and where there are two CPUs waited for that half of their time. Resolves with
 * the number of those threads. Linux alone tells of threads and has a priority for each; rejects elsewhere.
 */
export const niceV8Helpers = async (): Promise<number> => {
  const threads = await readdir(THREADS);
  const names = await Promise.all(threads.map((thread) => readFile(`${THREADS}/${thread}/comm`, 'utf8')));
  const helpers = threads.filter((_, i) => names[i] === HELPER);
  for (const thread of helpers) setPriority(Number(thread), HELPERS_NICE);
  return helpers.length;
};

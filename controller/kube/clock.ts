/** Time as a dependency, so that tests need not wait for it. */

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Monotonic milliseconds from an arbitrary start: for durations and deadlines. */
  now(): number;
  /** Wall clock: only for time stamps that leave the process. */
  date(): Date;
  /** Calls back once after `ms`, unless cancelled before. Keeps the process alive until then. */
  after(ms: number, callback: () => void): Timer;
}

/** Uniform in [0, 1), as Math.random. */
export type Random = () => number;

/** Node's setTimeout takes at most 2^31 - 1 ms and fires at once beyond. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => performance.now(),
  date: () => new Date(),
  after: (ms, callback) => {
    const timer = setTimeout(callback, Math.min(Math.max(ms, 0), LONGEST_TIMER_MS));
    return { cancel: () => clearTimeout(timer) };
  },
};

/** Resolves after `ms`, or as soon as the signal aborts (never rejects: the caller looks at the signal). */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) {
      resolve();
      return;
    }
    const finish = () => {
      timer.cancel();
      signal?.removeEventListener('abort', finish);
      resolve();
    };
    const timer = clock.after(ms, finish);
    signal?.addEventListener('abort', finish, { once: true });
  });
}

import type { Clock } from '../types.ts';

interface Timer {
  readonly at: number;
  readonly run: () => void;
}

/** A clock that stands still until it is told to go on. */
export class FakeClock implements Clock {
  #now = 0;
  #next = 1;
  readonly #timers = new Map<number, Timer>();

  now(): number {
    return this.#now;
  }

  setTimeout(run: () => void, ms: number): number {
    const handle = this.#next++;
    this.#timers.set(handle, { at: this.#now + ms, run });
    return handle;
  }

  clearTimeout(handle: NodeJS.Timeout | number): void {
    this.#timers.delete(Number(handle));
  }

  /** How many timers are set. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Goes on by `ms`, running what becomes due in its order. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const due = [...this.#timers].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at)[0];
      if (due === undefined) break;
      const [handle, { at, run }] = due;
      this.#timers.delete(handle);
      this.#now = Math.max(this.#now, at);
      run();
    }
    this.#now = end;
  }
}

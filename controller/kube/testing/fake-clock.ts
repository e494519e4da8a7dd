import type { Clock, Timer } from '../clock.ts';

/** A clock that stands still until a test moves it. */
export class FakeClock implements Clock {
  #now = 0;
  #serial = 0;
  readonly #start: number;
  readonly #timers = new Map<number, { readonly due: number; readonly callback: () => void }>();

  constructor(start = Date.parse('2030-01-01T00:00:00Z')) {
    this.#start = start;
  }

  now(): number {
    return this.#now;
  }

  date(): Date {
    return new Date(this.#start + Math.floor(this.#now));
  }

  after(ms: number, callback: () => void): Timer {
    const id = ++this.#serial;
    this.#timers.set(id, { due: this.#now + Math.max(0, ms), callback });
    return { cancel: () => this.#timers.delete(id) };
  }

  /** Timers that are set. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Milliseconds until the next timer. */
  get nextIn(): number | undefined {
    const next = this.#earliest();
    return next === undefined ? undefined : next.due - this.#now;
  }

  /** Moves on, running each timer at its time and letting promises settle between them. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (let next = this.#earliest(); next !== undefined && next.due <= end; next = this.#earliest()) {
      this.#now = Math.max(this.#now, next.due);
      this.#timers.delete(next.id);
      next.callback();
      await settle();
    }
    this.#now = end;
    await settle();
  }

  #earliest(): { readonly id: number; readonly due: number; readonly callback: () => void } | undefined {
    let found: { readonly id: number; readonly due: number; readonly callback: () => void } | undefined;
    for (const [id, timer] of this.#timers) {
      if (found === undefined || timer.due < found.due) found = { id, ...timer };
    }
    return found;
  }
}

/** Lets all promise callbacks that can run, run: setImmediate comes after them. */
export async function settle(): Promise<void> {
  for (let round = 0; round < 3; round++) await new Promise((resolve) => setImmediate(resolve));
}

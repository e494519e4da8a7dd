import type { Clock, TimerHandle } from './types.ts';

/**
 * One timer for many deadlines. It is set for the earliest one and left alone when that is met in time, so what is
 * answered quickly never touches a timer: setting and clearing one for each call costs more than the call's own bytes.
 */
export class Deadlines {
  readonly #clock: Clock;
  readonly #onTime: (now: number) => number;
  #timer: TimerHandle | undefined;
  #setFor = Infinity;

  /** `onTime` deals with all that is due by `now` and returns when the next is; Infinity for none. */
  constructor(clock: Clock, onTime: (now: number) => number) {
    this.#clock = clock;
    this.#onTime = onTime;
  }

  /** Wakes by this time at the latest. */
  watch(dueAt: number): void {
    if (dueAt >= this.#setFor) return;
    this.stop();
    this.#setFor = dueAt;
    this.#timer = this.#clock.setTimeout(this.#wake, Math.min(Math.max(dueAt - this.#clock.now(), 0), LONGEST_MS));
  }

  stop(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#setFor = Infinity;
  }

  readonly #wake = (): void => {
    this.#timer = undefined;
    this.#setFor = Infinity;
    const next = this.#onTime(this.#clock.now());
    if (next !== Infinity) this.watch(next);
  };
}

/** A longer time-out than this fires at once in Node. */
const LONGEST_MS = 2 ** 31 - 1;

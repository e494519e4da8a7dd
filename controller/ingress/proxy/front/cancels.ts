/** Counts what a connection's visitor began and cancelled, within a window of time. */
export class Cancels {
  readonly #most: number;
  readonly #windowMs: number;
  #times: readonly number[] = [];

  constructor(most: number, windowMs: number) {
    this.#most = most;
    this.#windowMs = windowMs;
  }

  /** Whether this one, at a monotonic time, is one too many. */
  add(now: number): boolean {
    this.#times = [...this.#times.filter((time) => now - time < this.#windowMs), now].slice(-(this.#most + 1));
    return this.#times.length > this.#most;
  }
}

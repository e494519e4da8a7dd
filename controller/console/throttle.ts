/** So many bytes a second, and so many at once before that counts. */
export interface Rate {
  readonly bytesPerSecond: number;
  readonly burst: number;
}

/** A token bucket that may go into debt: what was read is paid for by a pause before the next reading. */
export class Throttle {
  readonly #now: () => number;
  readonly #rate: Rate;
  #tokens: number;
  #filledAt: number;

  constructor(now: () => number, rate: Rate) {
    this.#now = now;
    this.#rate = rate;
    this.#tokens = rate.burst;
    this.#filledAt = now();
  }

  /** Takes bytes; ms to pause for, 0 for none. */
  charge(bytes: number): number {
    const now = this.#now();
    const { bytesPerSecond, burst } = this.#rate;
    this.#tokens = Math.min(burst, this.#tokens + ((now - this.#filledAt) / 1000) * bytesPerSecond) - bytes;
    this.#filledAt = now;
    return this.#tokens >= 0 ? 0 : (-this.#tokens / bytesPerSecond) * 1000;
  }
}

import type { Random } from './clock.ts';

/** Exponential back-off with full upper-half jitter: each delay is between half of its bound and the bound. */
export class Backoff {
  readonly #minMs: number;
  readonly #maxMs: number;
  readonly #random: Random;
  #failures = 0;

  constructor(options: { readonly minMs: number; readonly maxMs: number; readonly random: Random }) {
    this.#minMs = options.minMs;
    this.#maxMs = options.maxMs;
    this.#random = options.random;
  }

  /** The delay after one more failure. */
  next(): number {
    const bound = Math.min(this.#maxMs, this.#minMs * 2 ** this.#failures);
    // Beyond 2^31 the doubling could only overflow, never change the bound.
    this.#failures = Math.min(this.#failures + 1, 31);
    return bound / 2 + (bound / 2) * this.#random();
  }

  reset(): void {
    this.#failures = 0;
  }
}

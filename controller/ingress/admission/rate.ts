const HALF_LIFE_MS = 10_000;
/** Per second. */
const DECAY = Math.LN2 / (HALF_LIFE_MS / 1_000);

/**
 * How many slots are given back in a second, the last ten seconds counting as much as all before them. Only time in which a
 * slot is held counts: a pause says nothing of how fast a crowd would be served.
 */
export class ReturnRate {
  readonly #now: () => number;
  #held = 0;
  /** Monotonic ms since which a slot has been held. */
  #since = 0;
  /** ms in which a slot was held, before that. */
  #busyMs = 0;
  /** Returns per second, as if there had been none before the first slot was taken, as of busy time #countedMs. */
  #weight = 0;
  #countedMs = 0;
  #hasReturned = false;

  constructor(now: () => number) {
    this.#now = now;
  }

  taken(): void {
    if (this.#held === 0) this.#since = this.#now();
    this.#held += 1;
  }

  returned(): void {
    const busy = this.#busy();
    this.#weight = this.#weight * decayOver(busy - this.#countedMs) + DECAY;
    this.#countedMs = busy;
    this.#hasReturned = true;
    this.#held -= 1;
    if (this.#held === 0) this.#busyMs = busy;
  }

  /** Undefined: no slot was given back yet. */
  perSecond(): number | undefined {
    if (!this.#hasReturned) return undefined;
    const busy = this.#busy();
    // Of a short time all is known there is to know; without the divisor it would count as a long one with little in it.
    const known = 1 - decayOver(Math.max(busy, 1));
    return (this.#weight * decayOver(busy - this.#countedMs)) / known;
  }

  #busy(): number {
    return this.#busyMs + (this.#held === 0 ? 0 : this.#now() - this.#since);
  }
}

function decayOver(ms: number): number {
  return Math.exp((-DECAY * ms) / 1_000);
}

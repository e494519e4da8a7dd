/**
 * Lets so many through at once and one more with each pause, so that strangers can fill no log. Tells how many were held
 * back since the last one that was let through.
 */
export class Allowance {
  readonly #most: number;
  readonly #pauseMs: number;
  readonly #now: () => number;
  #left: number;
  #counted: number;
  #heldBack = 0;

  constructor(most: number, pauseMs: number, now: () => number) {
    this.#most = most;
    this.#pauseMs = pauseMs;
    this.#now = now;
    this.#left = most;
    this.#counted = now();
  }

  /** How many were held back before this one; undefined: this one is held back too. */
  take(): number | undefined {
    const earned = Math.floor((this.#now() - this.#counted) / this.#pauseMs);
    this.#counted += earned * this.#pauseMs;
    this.#left = Math.min(this.#left + earned, this.#most);
    if (this.#left === 0) {
      this.#heldBack += 1;
      return undefined;
    }
    this.#left -= 1;
    const heldBack = this.#heldBack;
    this.#heldBack = 0;
    return heldBack;
  }
}

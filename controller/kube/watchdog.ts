import type { Clock, Timer } from './clock.ts';

/** Calls `bark` once when nothing was heard for `idleMs`. One timer, however much is heard. */
export class Watchdog {
  readonly #clock: Clock;
  readonly #idleMs: number;
  readonly #bark: () => void;
  #lastHeard: number;
  #timer: Timer;
  expired = false;

  constructor(clock: Clock, idleMs: number, bark: () => void) {
    this.#clock = clock;
    this.#idleMs = idleMs;
    this.#bark = bark;
    this.#lastHeard = clock.now();
    this.#timer = clock.after(idleMs, () => this.#look());
  }

  heard(): void {
    this.#lastHeard = this.#clock.now();
  }

  stop(): void {
    this.#timer.cancel();
  }

  #look(): void {
    const left = this.#lastHeard + this.#idleMs - this.#clock.now();
    if (left > 0) {
      this.#timer = this.#clock.after(left, () => this.#look());
      return;
    }
    this.expired = true;
    this.#bark();
  }
}

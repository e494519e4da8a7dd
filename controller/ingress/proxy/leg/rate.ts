import type { Clock, Timer } from '#controller/kube/clock.ts';

export interface RateOptions {
  readonly minBytesPerSecond: number;
  readonly windowMs: number;
  readonly clock: Clock;
  /** Bytes that went through so far. */
  readonly progress: () => number;
  readonly onSlow: () => void;
}

/**
 * Whether one who is waited for is too slow: over a window of nothing but waiting, so that time in which nobody waits
 * for it, for instance because a guest has nothing to say, does not count against it.
 */
export class RateMeter {
  readonly #options: RateOptions;
  #waitedMs = 0;
  /** The progress at the beginning of the window; undefined: nobody was waited for yet. */
  #base: number | undefined;
  #wait: { readonly since: number; readonly timer: Timer } | undefined;

  constructor(options: RateOptions) {
    this.#options = options;
  }

  /** The waiting begins. */
  begin(): void {
    if (this.#wait !== undefined) return;
    const { clock, windowMs, progress } = this.#options;
    this.#base ??= progress();
    const timer = clock.after(Math.max(0, windowMs - this.#waitedMs), () => this.#judge());
    this.#wait = { since: clock.now(), timer };
  }

  /** The waiting ends. */
  end(): void {
    if (this.#wait === undefined) return;
    this.#wait.timer.cancel();
    this.#waitedMs += this.#options.clock.now() - this.#wait.since;
    this.#wait = undefined;
  }

  #judge(): void {
    const { minBytesPerSecond, windowMs, progress, onSlow } = this.#options;
    this.#wait = undefined;
    const now = progress();
    if (now - (this.#base ?? now) < (minBytesPerSecond * windowMs) / 1_000) {
      onSlow();
      return;
    }
    this.#base = now;
    this.#waitedMs = 0;
    this.begin();
  }
}

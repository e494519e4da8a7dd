import type { Clock } from './clock.ts';

/** A token bucket that tells how long to wait for a token, as golang.org/x/time/rate's Reserve does. */
export class TokenBucket {
  readonly #clock: Clock;
  readonly #perMs: number;
  readonly #burst: number;
  #tokens: number;
  #at: number;

  constructor(clock: Clock, options: { readonly perSecond: number; readonly burst: number }) {
    this.#clock = clock;
    this.#perMs = options.perSecond / 1000;
    this.#burst = options.burst;
    this.#tokens = options.burst;
    this.#at = clock.now();
  }

  /** Takes a token, perhaps one of the future; the milliseconds until it is there. */
  reserve(): number {
    this.#refill();
    this.#tokens -= 1;
    return this.#tokens >= 0 ? 0 : -this.#tokens / this.#perMs;
  }

  /** Takes a token if there is one now. */
  tryTake(): boolean {
    this.#refill();
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  #refill(): void {
    const now = this.#clock.now();
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#at) * this.#perMs);
    this.#at = now;
  }
}

/** Each key's own exponential back-off, and one bucket for all: the later of both, as controller-runtime's default. */
export class RetryLimiter {
  readonly #baseMs: number;
  readonly #maxMs: number;
  readonly #bucket: TokenBucket;
  readonly #failures = new Map<string, number>();

  constructor(backoff: { readonly baseMs: number; readonly maxMs: number }, bucket: TokenBucket) {
    this.#baseMs = backoff.baseMs;
    this.#maxMs = backoff.maxMs;
    this.#bucket = bucket;
  }

  /** Counts one more failure of the key; how long to wait. */
  delay(key: string): number {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    const own = Math.min(this.#maxMs, this.#baseMs * 2 ** Math.min(failures, 60));
    return Math.max(own, this.#bucket.reserve());
  }

  failures(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  forget(key: string): void {
    this.#failures.delete(key);
  }
}

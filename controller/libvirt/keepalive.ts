import type { Clock, TimerHandle } from './types.ts';

/** What a watch over a connection's silence needs. */
export interface KeepAliveOptions {
  readonly clock: Clock;
  readonly intervalMs: number;
  readonly misses: number;
  readonly ping: () => void;
  readonly dead: () => void;
}

/**
 * Notices a peer that holds its connection open and says nothing: a stopped daemon, a host that lost its power. Counts
 * intervals, not time, so that a stall of this process is not taken for the peer's.
 */
export class KeepAlive {
  readonly #options: KeepAliveOptions;
  #timer: TimerHandle | undefined;
  #heard = false;
  #silent = 0;

  constructor(options: KeepAliveOptions) {
    this.#options = options;
    this.#wait();
  }

  /** Anything came. */
  heard(): void {
    this.#heard = true;
  }

  stop(): void {
    if (this.#timer !== undefined) this.#options.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #wait(): void {
    this.#timer = this.#options.clock.setTimeout(() => this.#tick(), this.#options.intervalMs);
  }

  #tick(): void {
    this.#silent = this.#heard ? 0 : this.#silent + 1;
    this.#heard = false;
    if (this.#silent > this.#options.misses) {
      this.stop();
      this.#options.dead();
      return;
    }
    if (this.#silent > 0) this.#options.ping();
    this.#wait();
  }
}

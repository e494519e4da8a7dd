import type { Clock } from '#controller/kube/clock.ts';

const TURN_MS = 10;
/** More than these in one turn are answered first, before anything is done for those that were answered. */
const MANY = 16;
/** So much is done in a turn once so many no longer come. */
const A_TURN = 32;
/** No more than this waits: the rest is done in the same turn. */
const MOST_WAITING = 2_048;
/** Requests that come as fast for longer are no rush but the load: slots would stand empty for it. */
const LONGEST_MS = 250;

/**
 * Tells requests that come all at once, a rush, from those that come one by one, and puts off what would keep the most of
 * it waiting: those who find no place, and have an answer as soon as they are read. What they wait for is one thread, on
 * CPUs that may have a control plane and hosts on them too. So domains are started when a rush is over, and what is left
 * to do for requests that were answered (it can take as long as to refuse one) is done after that, in its order. For who
 * comes alone both are done on the spot.
 */
export class Rush {
  readonly #clock: Clock;
  #turnBegan = -Infinity;
  /** Requests in this turn: those that came, and those that were answered. */
  #came = 0;
  #answered = 0;
  /** Monotonic ms of when the second within a turn came, until a turn in which no second does. */
  #began: number | undefined;
  #isTicking = false;
  #starts: (() => void)[] = [];
  #waiting: (() => void)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A request has come. */
  came(): void {
    const now = this.#enter();
    this.#came += 1;
    if (this.#came < 2) return;
    this.#began ??= now;
    this.#tick();
  }

  /** Resolves when a domain may be started: at once, where there is no rush; within 250 ms of its beginning, where there is. */
  async over(): Promise<void> {
    if (this.#mayStart(this.#clock.now())) return;
    await new Promise<void>((resolve) => this.#starts.push(resolve));
  }

  /** A request was answered; `work` is left to do for it, and must not throw. A second at most passes before it is done. */
  answered(work: () => void): void {
    this.#enter();
    this.#answered += 1;
    if (this.#waiting.length === 0 && !this.#areMany()) {
      work();
      return;
    }
    this.#waiting.push(work);
    this.#tick();
  }

  /** Does at once what waits. */
  close(): void {
    const left = [...this.#starts, ...this.#waiting];
    this.#starts = [];
    this.#waiting = [];
    for (const work of left) work();
  }

  #mayStart(now: number): boolean {
    return this.#began === undefined || now - this.#began >= LONGEST_MS;
  }

  #areMany(): boolean {
    return this.#came > MANY || this.#answered > MANY;
  }

  /** Begins a turn where none is under way. */
  #enter(): number {
    const now = this.#clock.now();
    if (!this.#isTicking && now - this.#turnBegan >= TURN_MS) this.#beginTurn(now);
    return now;
  }

  #beginTurn(now: number): void {
    this.#turnBegan = now;
    this.#came = 0;
    this.#answered = 0;
  }

  /** Has turns end by time, not by the next request. */
  #tick(): void {
    if (this.#isTicking) return;
    this.#isTicking = true;
    this.#clock.after(TURN_MS, this.#endTurn);
  }

  readonly #endTurn = (): void => {
    const now = this.#clock.now();
    if (this.#came < 2) this.#began = undefined;
    const count = Math.max(this.#areMany() ? 0 : A_TURN, this.#waiting.length - MOST_WAITING);
    const due = [...(this.#mayStart(now) ? this.#starts.splice(0) : []), ...this.#waiting.splice(0, count)];
    this.#beginTurn(now);
    this.#isTicking = false;
    if (this.#began !== undefined || this.#waiting.length > 0) this.#tick();
    for (const work of due) work();
  };
}

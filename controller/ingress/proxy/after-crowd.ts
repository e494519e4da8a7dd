import type { Clock } from '#controller/kube/clock.ts';

const TURN_MS = 10;
/** More than these in one turn are a crowd. */
const CROWD = 16;
/** So much is done in a turn once the crowd is over. */
const A_TURN = 32;
/** No more than this waits: the rest is done in the same turn. */
const MOST_WAITING = 1_024;

/**
 * What is left to do for requests that were answered. It can take as long as to refuse one: so of a crowd all are answered
 * first, and this waits for the first turn in which nobody else came, a second at most, since so much does not wait. For
 * who comes alone it is done on the spot. Keeps its order.
 */
export class AfterCrowd {
  readonly #clock: Clock;
  #waiting: (() => void)[] = [];
  /** Since the turn began. */
  #came = 0;
  #began = -Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** One was answered; `work` must not throw. */
  add(work: () => void): void {
    const isAlone = this.#waiting.length === 0;
    if (isAlone && this.#clock.now() - this.#began >= TURN_MS) this.#begin();
    this.#came += 1;
    if (isAlone && this.#came <= CROWD) work();
    else if (this.#waiting.push(work) === 1) this.#clock.after(TURN_MS, this.#turn);
  }

  /** Does at once what waits. */
  close(): void {
    const left = this.#waiting;
    this.#waiting = [];
    for (const work of left) work();
  }

  #begin(): void {
    this.#began = this.#clock.now();
    this.#came = 0;
  }

  readonly #turn = (): void => {
    const count = Math.max(this.#came > CROWD ? 0 : A_TURN, this.#waiting.length - MOST_WAITING);
    this.#begin();
    const due = this.#waiting.splice(0, count);
    if (this.#waiting.length > 0) this.#clock.after(TURN_MS, this.#turn);
    for (const work of due) work();
  };
}

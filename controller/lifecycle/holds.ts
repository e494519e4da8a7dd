import type { Refusal } from '#controller/templates/index.ts';
import type { Lack } from './preparer.ts';

interface Hold {
  readonly lack: Lack;
  /** How often it was found lacking in a row. */
  readonly tries: number;
  /** Monotonic ms before which it is not looked at again. */
  readonly until: number;
}

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;

/** Resources that no free place helps, by UID: they lack something, or can never be started. */
export class Holds {
  readonly #held = new Map<string, Hold>();
  readonly #refused = new Map<string, Refusal>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** It lacks what a watch will tell of. */
  hold(uid: string, lack: Lack): void {
    this.#held.set(uid, { lack, tries: 0, until: 0 });
  }

  /** It lacks what nobody tells of: returns ms after which it is to be looked at again, 1 s to 30 s. */
  pause(uid: string, lack: Lack): number {
    const tries = this.#held.get(uid)?.tries ?? 0;
    const pause = Math.min(FIRST_PAUSE_MS * 2 ** tries, LONGEST_PAUSE_MS);
    this.#held.set(uid, { lack, tries: Math.min(tries + 1, 16), until: this.#now() + pause });
    return pause;
  }

  refuse(uid: string, refusal: Refusal): void {
    this.#held.delete(uid);
    this.#refused.set(uid, refusal);
  }

  /** Its pause is over: a timer says so, which may be a little before the clock does. */
  wake(uid: string): void {
    const hold = this.#held.get(uid);
    if (hold !== undefined) this.#held.set(uid, { ...hold, until: 0 });
  }

  /** ms for which it is not to be looked at; 0: it may be. */
  restOf(uid: string): number {
    return Math.max((this.#held.get(uid)?.until ?? 0) - this.#now(), 0);
  }

  lackOf(uid: string): Lack | undefined {
    return this.#held.get(uid)?.lack;
  }

  refusalOf(uid: string): Refusal | undefined {
    return this.#refused.get(uid);
  }

  release(uid: string): void {
    this.#held.delete(uid);
    this.#refused.delete(uid);
  }
}

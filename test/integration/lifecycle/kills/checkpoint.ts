import type { Guarded } from '../wire.ts';

/** Kind of a message from the controller to the API server or to a host. */
export interface Sighting {
  readonly what: string;
  /** Name of the resource whose life it belongs to; undefined: of none alone. */
  readonly life: string | undefined;
}

/** before: the request was seen and goes no further; after: it was acted on, and the answer to it is kept back. */
export type When = 'before' | 'after';

/** Where the controller is to be killed: at the first message of a kind in an attempt of a life. */
export interface Trap {
  readonly life: string;
  readonly what: string;
  readonly attempt: number;
  readonly when: When;
}

const PASSES: Guarded = { call: () => true, answer: () => true };
/** Others that come to their points within this of each other meet the same kill. */
const TOGETHER_MS = 700;
/** Nothing is held for longer before the kill: no call of the controller's times out by then. */
const MOST_MS = 4_000;

interface SetTrap extends Trap {
  readonly sprung: () => void;
}

/** All messages pass here; one that a trap waits for is held back, and the controller is killed. */
export class Checkpoint {
  /** Every request so far, in order. */
  readonly seen: Sighting[] = [];
  readonly #kill: () => void;
  readonly #traps = new Set<SetTrap>();
  /** Messages of these were handed on, and their answers are waited for. */
  readonly #underWay = new Set<SetTrap>();
  readonly #sprung: SetTrap[] = [];
  #firstAt = 0;
  #soon: NodeJS.Timeout | undefined;
  /** Lives by their domains' UUIDs, in the order of their binding. */
  readonly #bound = new Map<string, string>();

  /** `kill` is to have ended the process, and what leads to it, when it returns. */
  constructor(kill: () => void) {
    this.#kill = kill;
  }

  /** Resolves when the controller was killed by it. */
  set(trap: Trap): Promise<void> {
    return new Promise((sprung) => {
      this.#traps.add({ ...trap, sprung });
    });
  }

  /** A life's domain is known by this UUID, and by its image, from now on. */
  bound(life: string, uuid: string): void {
    this.#bound.set(uuid, life);
  }

  /** Whose life a message to a host belongs to, by the UUID (in text or bytes) or the image that it names. */
  lifeIn(message: Buffer): string | undefined {
    for (const [uuid, life] of this.#bound) {
      const names = [uuid, imageOf(life), Buffer.from(uuid.replaceAll('-', ''), 'hex')];
      if (names.some((name) => message.includes(name))) return life;
    }
    return undefined;
  }

  /** A message that springs a trap is held; the kill follows once all that can be has been sprung. */
  guard(sighting: Sighting): Guarded {
    this.seen.push(sighting);
    const before = this.#take('before', sighting);
    if (before !== undefined) {
      return { call: () => this.#spring(before), answer: () => false };
    }
    const after = this.#take('after', sighting);
    if (after === undefined) return PASSES;
    this.#underWay.add(after);
    return {
      call: () => true,
      answer: () => {
        this.#underWay.delete(after);
        return this.#spring(after);
      },
    };
  }

  #take(when: When, sighting: Sighting): SetTrap | undefined {
    const trap = [...this.#traps].find((each) => each.when === when && this.#isMeant(each, sighting));
    if (trap !== undefined) this.#traps.delete(trap);
    return trap;
  }

  #spring(trap: SetTrap): false {
    if (this.#sprung.length === 0) this.#firstAt = performance.now();
    this.#sprung.push(trap);
    if (this.#traps.size === 0 && this.#underWay.size === 0) this.#killNow();
    else this.#killSoon();
    return false;
  }

  #killSoon(): void {
    clearTimeout(this.#soon);
    const leftMs = this.#firstAt + MOST_MS - performance.now();
    this.#soon = setTimeout(
      () => {
        // What was acted on may not be asked for again: its answer is waited for.
        if (this.#underWay.size > 0 && leftMs > TOGETHER_MS) this.#killSoon();
        else this.#killNow();
      },
      Math.min(TOGETHER_MS, Math.max(0, leftMs)),
    );
  }

  #killNow(): void {
    clearTimeout(this.#soon);
    this.#kill();
    // What was not answered by now has not come to its point.
    for (const trap of this.#underWay) this.#traps.add(trap);
    this.#underWay.clear();
    for (const { sprung } of this.#sprung.splice(0)) sprung();
  }

  /** What belongs to no life is waited for once the trap's own life is bound. */
  #isMeant(trap: Trap, { life, what }: Sighting): boolean {
    if (trap.what !== what || (life !== undefined && life !== trap.life)) return false;
    const attempts = [...this.#bound.values()].filter((each) => each === trap.life).length;
    // What comes before the first binding belongs to its attempt.
    return attempts === trap.attempt || (attempts === 0 && life !== undefined);
  }
}

/** Each life has an image of its own, so that to look for it belongs to that life. */
export function imageOf(life: string): string {
  return `image-of-${life}.img`;
}

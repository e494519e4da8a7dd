import { Heap } from '#controller/scheduler/heap.ts';

/** Who waits at a gate, in the order in which they are let in; each says by a rank of which kind it is. */
export interface Line<Rank> {
  readonly size: number;
  push(enter: () => void, rank: Rank): void;
  /** Takes out whose turn it is. */
  pop(): (() => void) | undefined;
}

/** Lets so many in at once, the others in the order of their line. */
export class Gate<Rank> {
  readonly #places: number;
  readonly #line: Line<Rank>;
  #inside = 0;

  constructor(places: number, line: Line<Rank>) {
    this.#places = places;
    this.#line = line;
  }

  get inside(): number {
    return this.#inside;
  }

  get waiting(): number {
    return this.#line.size;
  }

  /** Resolves inside with the way out, which is to be called once. */
  async enter(rank: Rank): Promise<() => void> {
    if (this.#inside < this.#places) this.#inside += 1;
    else await new Promise<void>((enter) => this.#line.push(enter, rank));
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#leave();
    };
  }

  /** The place passes on to the next, so that `inside` never exceeds the places. */
  #leave(): void {
    const enter = this.#line.pop();
    if (enter === undefined) this.#inside -= 1;
    else enter();
  }
}

interface Waiter {
  readonly enter: () => void;
  readonly urgency: number;
  readonly sequence: number;
}

/** The most urgent first (the least number), then the first come. */
export class ByUrgency implements Line<number> {
  readonly #waiting = new Heap<Waiter>((one, other) =>
    one.urgency === other.urgency ? one.sequence < other.sequence : one.urgency < other.urgency,
  );
  #sequence = 0;

  get size(): number {
    return this.#waiting.size;
  }

  push(enter: () => void, urgency: number): void {
    this.#waiting.push({ enter, urgency, sequence: this.#sequence });
    this.#sequence += 1;
  }

  pop(): (() => void) | undefined {
    return this.#waiting.pop()?.enter;
  }
}

import { Heap } from '#controller/scheduler/heap.ts';

/** Who waits at a gate, in the order in which they are let in; each says by a rank of which kind it is. */
export interface Line<Rank> {
  readonly size: number;
  push(enter: () => void, rank: Rank): void;
  /** Takes out whose turn it is; undefined where nobody waits, or whoever does has to wait for some of those inside to leave. */
  pop(): (() => void) | undefined;
  /** One that was taken out has left. */
  left(rank: Rank): void;
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
    await new Promise<void>((enter) => {
      this.#line.push(enter, rank);
      this.#letIn();
    });
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#inside -= 1;
      this.#line.left(rank);
      this.#letIn();
    };
  }

  /** Counted as inside before they know of it, so that `inside` never exceeds the places. */
  #letIn(): void {
    while (this.#inside < this.#places) {
      const enter = this.#line.pop();
      if (enter === undefined) return;
      this.#inside += 1;
      enter();
    }
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

  left(): void {
    // Whoever waits may come whenever there is a place.
  }
}

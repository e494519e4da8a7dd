import { Heap } from '#controller/scheduler/heap.ts';

interface Waiter {
  readonly priority: number;
  readonly sequence: number;
  readonly enter: () => void;
}

/** Lets so many in at once; of those who wait the most urgent first (the least number), then the first come. */
export class Gate {
  readonly #places: number;
  readonly #waiting = new Heap<Waiter>((one, other) =>
    one.priority === other.priority ? one.sequence < other.sequence : one.priority < other.priority,
  );
  #inside = 0;
  #sequence = 0;

  constructor(places: number) {
    this.#places = places;
  }

  get inside(): number {
    return this.#inside;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Resolves inside with the way out, which is to be called once. */
  async enter(priority = 0): Promise<() => void> {
    if (this.#inside < this.#places) this.#inside += 1;
    else await this.#turn(priority);
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#leave();
    };
  }

  #turn(priority: number): Promise<void> {
    return new Promise((enter) => {
      this.#waiting.push({ priority, sequence: this.#sequence, enter });
      this.#sequence += 1;
    });
  }

  /** The place passes on to the next, so that `inside` never exceeds the places. */
  #leave(): void {
    const next = this.#waiting.pop();
    if (next === undefined) this.#inside -= 1;
    else next.enter();
  }
}

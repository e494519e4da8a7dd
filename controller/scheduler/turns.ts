import { Heap } from './heap.ts';

interface Entry<T> {
  readonly flow: string;
  readonly item: T;
  /** The round in which it comes out. */
  readonly round: number;
  readonly sequence: number;
}

/**
 * What waits, of several flows that take turns: one item of each flow a round, first come first served within a flow. Who
 * comes to an empty flow waits for one item of each other at most, however many those have. Start-time fair queueing with
 * items of one cost (Goyal, Vin, Cheng, SIGCOMM 1996), O(log n); nothing is kept of a flow in which nobody waits.
 */
export class Turns<T> {
  readonly #entries = new Heap<Entry<T>>((one, other) =>
    one.round === other.round ? one.sequence < other.sequence : one.round < other.round,
  );
  /** The round of the last item of each flow in which somebody waits. */
  readonly #last = new Map<string, number>();
  #round = 0;
  #sequence = 0;

  get size(): number {
    return this.#entries.size;
  }

  push(flow: string, item: T): void {
    const round = Math.max(this.#last.get(flow) ?? 0, this.#round) + 1;
    this.#last.set(flow, round);
    this.#entries.push({ flow, item, round, sequence: this.#sequence });
    this.#sequence += 1;
  }

  /** Takes out the item whose turn it is. */
  pop(): T | undefined {
    const entry = this.#entries.pop();
    if (entry === undefined) return undefined;
    this.#round = entry.round;
    if (this.#last.get(entry.flow) === entry.round) this.#last.delete(entry.flow);
    return entry.item;
  }
}

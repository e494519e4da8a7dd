import { Heap } from './heap.ts';

interface Entry<T> {
  readonly flow: string;
  readonly item: T;
  /** The round in which it comes out. */
  readonly round: number;
  /** Whether somebody of its flow waited already as it came. */
  readonly follows: boolean;
  readonly sequence: number;
}

/**
 * What waits, of several flows that take turns: one item of each flow a round, first come first served within a flow. Who
 * comes to an empty flow goes before those of its round that follow others of their own flow: of each crowd it waits for
 * one item at most, what is left of the round before; and a crowd for one of it a round. Start-time fair queueing with
 * items of one cost (Goyal, Vin, Cheng, SIGCOMM 1996), and new flows first as in RFC 8290; O(log n); nothing is kept of a
 * flow in which nobody waits.
 */
export class Turns<T> {
  readonly #entries = new Heap<Entry<T>>(goesBefore);
  /** The round of the last item of each flow in which somebody waits. */
  readonly #last = new Map<string, number>();
  #round = 0;
  #sequence = 0;

  get size(): number {
    return this.#entries.size;
  }

  push(flow: string, item: T): void {
    const last = this.#last.get(flow);
    const round = Math.max(last ?? 0, this.#round) + 1;
    this.#last.set(flow, round);
    this.#entries.push({ flow, item, round, follows: last !== undefined, sequence: this.#sequence });
    this.#sequence += 1;
  }

  /** Takes out the item whose turn it is, of those that may have one: others keep theirs. O(n log n) where many may not. */
  pop(may: (item: T) => boolean = always): T | undefined {
    const passed: Entry<T>[] = [];
    let entry = this.#entries.pop();
    for (; entry !== undefined && !may(entry.item); entry = this.#entries.pop()) passed.push(entry);
    for (const one of passed) this.#entries.push(one);
    if (entry === undefined) return undefined;
    this.#round = Math.max(this.#round, entry.round);
    if (this.#last.get(entry.flow) === entry.round) this.#last.delete(entry.flow);
    return entry.item;
  }
}

const always = (): boolean => true;

function goesBefore<T>(one: Entry<T>, other: Entry<T>): boolean {
  if (one.round !== other.round) return one.round < other.round;
  return one.follows === other.follows ? one.sequence < other.sequence : other.follows;
}

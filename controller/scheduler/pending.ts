import { Heap } from './heap.ts';

/** A resource that waits for a place. */
export interface PendingItem {
  readonly key: string;
  /** Items with one signature ask the same: where no host takes one, none takes the others. */
  readonly signature: string;
  /** The higher goes first. */
  readonly priority: number;
  /** Since when it waits, in any unit that grows; items with an equal one keep the order in which they came. */
  readonly since: number;
}

interface Entry extends PendingItem {
  readonly sequence: number;
}

interface Class {
  readonly signature: string;
  readonly heap: Heap<Entry>;
  blocked: boolean;
}

/**
 * What waits for a place: the highest priority first, first come first served within one. A signature that no host takes is set aside whole until something
 * changes, so that finding the next one that may be placed costs O(log n), however many wait.
 */
export class PendingQueue {
  readonly #entries = new Map<string, Entry>();
  readonly #classes = new Map<string, Class>();
  readonly #open = new Heap<Entry>(isEarlier);
  #sequence = 0;

  get size(): number {
    return this.#entries.size;
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  /** Adds an item, or replaces the one of that key (whose turn is kept where it asks the same). */
  add(item: PendingItem): void {
    const known = this.#entries.get(item.key);
    if (known !== undefined && isSameTurn(known, item)) return;
    const entry: Entry = { ...item, sequence: this.#sequence };
    this.#sequence += 1;
    this.#entries.set(item.key, entry);
    const group = this.#classOf(item.signature);
    group.heap.push(entry);
    if (!group.blocked && group.heap.peek() === entry) this.#open.push(entry);
  }

  remove(key: string): void {
    this.#entries.delete(key);
    // What the heaps still hold of it is dropped when it comes to their top.
  }

  /** The item whose turn it is among those that are not set aside; it stays in the queue. */
  next(): PendingItem | undefined {
    for (let top = this.#open.peek(); top !== undefined; top = this.#open.peek()) {
      const group = this.#classes.get(top.signature);
      const head = group === undefined ? undefined : this.#headOf(group);
      if (group?.blocked === false && head === top) return top;
      this.#open.pop();
      if (group?.blocked === false && head !== undefined) this.#open.push(head);
    }
    return undefined;
  }

  /** Sets all items of this signature aside until unblock(). */
  block(signature: string): void {
    const group = this.#classes.get(signature);
    if (group === undefined) return;
    group.blocked = true;
    while (this.#open.peek()?.signature === signature) this.#open.pop();
  }

  /** A host has changed: everything that was set aside may be tried again. */
  unblock(): void {
    for (const group of this.#classes.values()) {
      if (!group.blocked) continue;
      group.blocked = false;
      const head = this.#headOf(group);
      if (head !== undefined) this.#open.push(head);
    }
  }

  /** Whether an item waits because no host takes what it asks. */
  isBlocked(key: string): boolean {
    const entry = this.#entries.get(key);
    return entry !== undefined && this.#classes.get(entry.signature)?.blocked === true;
  }

  #classOf(signature: string): Class {
    const known = this.#classes.get(signature);
    if (known !== undefined) return known;
    const made: Class = { signature, heap: new Heap<Entry>(isEarlier), blocked: false };
    this.#classes.set(signature, made);
    return made;
  }

  /** First live entry of a class; removes what is gone, and the class itself once it is empty. */
  #headOf(group: Class): Entry | undefined {
    for (let head = group.heap.peek(); head !== undefined; head = group.heap.peek()) {
      if (this.#entries.get(head.key) === head) return head;
      group.heap.pop();
    }
    this.#classes.delete(group.signature);
    return undefined;
  }
}

function isSameTurn(one: PendingItem, other: PendingItem): boolean {
  return one.signature === other.signature && one.priority === other.priority && one.since === other.since;
}

function isEarlier(one: Entry, other: Entry): boolean {
  if (one.priority !== other.priority) return one.priority > other.priority;
  return one.since === other.since ? one.sequence < other.sequence : one.since < other.since;
}

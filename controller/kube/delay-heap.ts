/** A binary heap of things by the time they are due, the earliest first. */
export class DelayHeap<T> {
  readonly #entries: { readonly due: number; readonly item: T }[] = [];

  get size(): number {
    return this.#entries.length;
  }

  /** When the earliest is due. */
  get next(): number | undefined {
    return this.#entries[0]?.due;
  }

  push(due: number, item: T): void {
    const entry = { due, item };
    this.#entries.push(entry);
    let at = this.#entries.length - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = this.#entries[parent];
      if (above === undefined || above.due <= due) break;
      this.#entries[at] = above;
      at = parent;
    }
    this.#entries[at] = entry;
  }

  /** Takes the earliest if it is due by `now`. */
  popDue(now: number): T | undefined {
    const first = this.#entries[0];
    if (first === undefined || first.due > now) return undefined;
    const last = this.#entries.pop();
    if (last !== undefined && this.#entries.length > 0) this.#sink(last);
    return first.item;
  }

  #sink(entry: { readonly due: number; readonly item: T }): void {
    const size = this.#entries.length;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      if (left >= size) break;
      const right = left + 1;
      const child = right < size && this.#dueAt(right) < this.#dueAt(left) ? right : left;
      const below = this.#entries[child];
      if (below === undefined || entry.due <= below.due) break;
      this.#entries[at] = below;
      at = child;
    }
    this.#entries[at] = entry;
  }

  #dueAt(index: number): number {
    return this.#entries[index]?.due ?? Infinity;
  }
}

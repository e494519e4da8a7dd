/** Keeps the last bytes of what is pushed, in a fixed amount of memory. */
export class Ring {
  readonly #bytes: Buffer;
  #next = 0;
  #total = 0;

  constructor(capacity: number) {
    this.#bytes = Buffer.alloc(capacity);
  }

  /** All bytes that were ever pushed. */
  get total(): number {
    return this.#total;
  }

  /** Whether some of them are no longer here. */
  get isCut(): boolean {
    return this.#total > this.#bytes.length;
  }

  push(chunk: Uint8Array): void {
    const { length } = this.#bytes;
    this.#total += chunk.length;
    const kept = chunk.length > length ? chunk.subarray(chunk.length - length) : chunk;
    const untilEdge = Math.min(kept.length, length - this.#next);
    this.#bytes.set(kept.subarray(0, untilEdge), this.#next);
    this.#bytes.set(kept.subarray(untilEdge), 0);
    this.#next = (this.#next + kept.length) % length;
  }

  /** A copy of what is kept, oldest first. */
  contents(): Buffer {
    if (!this.isCut) return Buffer.from(this.#bytes.subarray(0, this.#total));
    return Buffer.concat([this.#bytes.subarray(this.#next), this.#bytes.subarray(0, this.#next)]);
  }
}

/** Where a follower's bytes go, such as an HTTP response. */
export interface ConsoleSink {
  /** False: takes no more until `drained` is called. */
  write(bytes: Uint8Array): boolean;
  /** Nothing more comes. `complete`: the console is at its end; else the connection to it, or the controller, is. */
  end(complete: boolean): void;
}

/** Bytes that wait for a slow follower; what comes beyond is lost to it, and to it alone. */
export const FOLLOWER_HOLDS_BYTES = 262_144;
/** What each piece costs beside its bytes, so that many small ones are bounded too. */
const PIECE_BYTES = 64;

/** One reader of a console. It never holds up the console, nor other readers: one that is too slow loses output. */
export class Follower {
  readonly #sink: ConsoleSink;
  #waiting: Uint8Array[] = [];
  #held = 0;
  #lost = 0;
  #blocked = false;
  #ended = false;

  constructor(sink: ConsoleSink) {
    this.#sink = sink;
  }

  /** Bytes that wait for the sink, and what it costs to hold them. */
  get held(): number {
    return this.#held;
  }

  push(bytes: Uint8Array): void {
    if (this.#ended || bytes.length === 0) return;
    if (this.#held + bytes.length + PIECE_BYTES > FOLLOWER_HOLDS_BYTES) {
      this.#lost += bytes.length;
      return;
    }
    this.#tellLoss();
    this.#add(bytes);
    this.#flush();
  }

  /** The sink takes more. */
  drained(): void {
    this.#blocked = false;
    this.#flush();
  }

  end(complete: boolean): void {
    if (this.#ended) return;
    this.#tellLoss();
    // The sink holds what it has not sent yet; it was bounded when it came.
    for (const bytes of this.#waiting) this.#sink.write(bytes);
    this.leave();
    this.#sink.end(complete);
  }

  /** The reader is gone: nothing more is written. */
  leave(): void {
    this.#ended = true;
    this.#waiting = [];
    this.#held = 0;
  }

  #tellLoss(): void {
    if (this.#lost === 0) return;
    const mark = `\n[hatchery: ${this.#lost} bytes of the console are missing here: this reader was too slow]\n`;
    this.#lost = 0;
    this.#add(Buffer.from(mark));
  }

  #add(bytes: Uint8Array): void {
    this.#waiting.push(bytes);
    this.#held += bytes.length + PIECE_BYTES;
  }

  #flush(): void {
    while (!this.#blocked) {
      const bytes = this.#waiting.shift();
      if (bytes === undefined) return;
      this.#held -= bytes.length + PIECE_BYTES;
      this.#blocked = !this.#sink.write(bytes);
    }
  }
}

import type { Readable } from 'node:stream';

/** Bytes that all buffers of a process may hold together. */
export class Budget {
  readonly #limit: number;
  #used = 0;
  readonly #waiting = new Set<() => void>();

  constructor(limitBytes: number) {
    this.#limit = limitBytes;
  }

  get used(): number {
    return this.#used;
  }

  get exhausted(): boolean {
    return this.#used >= this.#limit;
  }

  /** What has arrived is held, even where that is more than there was left: at most one chunk for each buffer. */
  take(bytes: number): void {
    this.#used += bytes;
  }

  give(bytes: number): void {
    const before = this.#used;
    this.#used -= bytes;
    // Nobody is held back unless it was spent: thousands of slow bodies would else be woken by each piece of any other.
    if (before < this.#limit || this.exhausted) return;
    for (const wake of [...this.#waiting]) wake();
  }

  /** Calls back whenever there is room again after it was spent, until the returned function is called. */
  onRoom(wake: () => void): () => void {
    this.#waiting.add(wake);
    return () => this.#waiting.delete(wake);
  }
}

export type ReadState = 'open' | 'ended' | 'broken';

/**
 * Reads a stream into memory up to a limit, and no further until something is taken. A stream that is read tells at once
 * when its other end is gone; one that is paused does not.
 */
export class ReadAhead {
  readonly #source: Readable;
  readonly #limit: number;
  readonly #budget: Budget;
  readonly #forget: () => void;
  readonly #watchers = new Set<() => void>();
  #chunks: Buffer[] = [];
  #held = 0;
  #received = 0;
  #started = false;
  #wanted = false;
  #dropping = false;
  #state: ReadState = 'open';

  constructor(source: Readable, limitBytes: number, budget: Budget) {
    this.#source = source;
    this.#limit = limitBytes;
    this.#budget = budget;
    source.on('end', () => this.#settle('ended'));
    source.on('close', () => this.#settle('broken'));
    // What fails closes too.
    source.on('error', () => this.#settle('broken'));
    this.#forget = budget.onRoom(() => this.#flow());
    // Where it is opened late.
    if (source.readableEnded) this.#settle('ended');
    else if (source.destroyed) this.#settle('broken');
  }

  /** Bytes that came, in all. */
  get received(): number {
    return this.#received;
  }

  /** Bytes that wait to be taken. */
  get held(): number {
    return this.#held;
  }

  get state(): ReadState {
    return this.#state;
  }

  /** Whether it holds back its source because nothing is taken. */
  get paused(): boolean {
    return this.#started && this.#state === 'open' && this.#source.isPaused();
  }

  /** Begins to read; before that not a byte is asked of the source. */
  start(): void {
    if (this.#started) return;
    this.#started = true;
    this.#source.on('data', (chunk: Buffer) => this.#receive(chunk));
    this.#flow();
  }

  /** The next bytes, in order; undefined where there are no more, be it that all were taken or that the source broke. */
  async next(): Promise<Buffer | undefined> {
    this.start();
    while (this.#chunks.length === 0 && this.#state === 'open') {
      this.#wanted = true;
      this.#flow();
      await this.changed();
    }
    this.#wanted = false;
    const chunk = this.#chunks.shift();
    if (chunk === undefined) return undefined;
    this.#held -= chunk.length;
    this.#budget.give(chunk.length);
    this.#flow();
    return chunk;
  }

  /** Resolves at the next change: bytes, an end or a break. */
  changed(): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#watchers.delete(wake);
        resolve();
      };
      this.#watchers.add(wake);
    });
  }

  /** Throws away what came and what will come. */
  drop(): void {
    this.#dropping = true;
    this.#clear();
    this.start();
    this.#source.resume();
  }

  /** Reads no more, for good: after drop(), where what comes is too much even to be thrown away. */
  halt(): void {
    this.#source.pause();
  }

  /** Its connection is gone; a request that was answered before it was whole is not told so by Node. */
  abandon(): void {
    this.#source.destroy();
  }

  #receive(chunk: Buffer): void {
    this.#received += chunk.length;
    if (!this.#dropping) {
      this.#chunks.push(chunk);
      this.#held += chunk.length;
      this.#budget.take(chunk.length);
      this.#flow();
    }
    this.#tell();
  }

  /** One who waits gets a chunk even out of a spent budget: what it waits for is what frees the budget. */
  #flow(): void {
    if (!this.#started || this.#state !== 'open' || this.#dropping) return;
    const starved = this.#wanted && this.#chunks.length === 0;
    if (this.#held < this.#limit && (!this.#budget.exhausted || starved)) this.#source.resume();
    else this.#source.pause();
  }

  #settle(state: ReadState): void {
    if (this.#state !== 'open') return;
    this.#state = state;
    this.#forget();
    if (state === 'broken') this.#clear();
    this.#tell();
  }

  #clear(): void {
    this.#budget.give(this.#held);
    this.#held = 0;
    this.#chunks = [];
  }

  #tell(): void {
    for (const wake of [...this.#watchers]) wake();
  }
}

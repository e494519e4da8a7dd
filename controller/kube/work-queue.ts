import { systemClock } from './clock.ts';
import type { Clock, Timer } from './clock.ts';
import { DelayHeap } from './delay-heap.ts';
import type { KubeMetrics, QueueMetrics, QueueSnapshot } from './metrics.ts';
import { RetryLimiter, TokenBucket } from './rate-limiter.ts';

/**
 * Keys to work on, with client-go's semantics: a key waits at most once, is never with two workers at once, and comes
 * back after done() if it was added meanwhile. Bounded by the number of distinct keys; none is ever dropped.
 */
export interface WorkQueue {
  readonly length: number;
  add(key: string): void;
  /** Adds after a delay; of several delays for one key the earliest counts. */
  addAfter(key: string, delayMs: number): void;
  /** Adds after the key's own back-off (5 ms doubling to 1,000 s) and the overall bucket, whichever is later. */
  addRateLimited(key: string): void;
  /** Resets the key's back-off. */
  forget(key: string): void;
  retries(key: string): number;
  /** The next key, or undefined once shut down and empty. Each key must be given back by done(). */
  get(): Promise<string | undefined>;
  done(key: string): void;
  /** No more adds; what waits is still handed out. */
  shutDown(): void;
  /** Like shutDown, and resolves when nothing is queued or with a worker any more. */
  shutDownWithDrain(): Promise<void>;
}

export interface WorkQueueOptions {
  readonly name: string;
  readonly metrics?: KubeMetrics;
  readonly clock?: Clock;
  /** Default 5 and 1,000,000. */
  readonly backoff?: { readonly baseMs: number; readonly maxMs: number };
  /** Overall retries a second, and how many at once. Default 10 and 100. */
  readonly bucket?: { readonly perSecond: number; readonly burst: number };
}

/** An empty queue. */
export function createWorkQueue(options: WorkQueueOptions): WorkQueue {
  return new KeyedQueue(options);
}

const DEFAULT_BACKOFF = { baseMs: 5, maxMs: 1_000_000 };
const DEFAULT_BUCKET = { perSecond: 10, burst: 100 };

/**
 * client-go's three sets: `waiting` in order, `dirty` what needs work (waiting, or added while with a worker), `working`
 * what a worker has.
 */
class KeyedQueue implements WorkQueue {
  readonly #clock: Clock;
  readonly #limiter: RetryLimiter;
  readonly #metrics: QueueMetrics | undefined;
  /** Insertion order is the order of service; the value is when it was added. */
  readonly #waiting = new Map<string, number>();
  readonly #dirty = new Set<string>();
  readonly #working = new Map<string, number>();
  readonly #delayed = new DelayHeap<string>();
  /** When each delayed key is due; heap entries that say otherwise are stale. */
  readonly #due = new Map<string, number>();
  readonly #takers: ((key: string | undefined) => void)[] = [];
  readonly #drained = Promise.withResolvers<undefined>();
  #timer: { readonly due: number; readonly timer: Timer } | undefined;
  #closed = false;

  constructor(options: WorkQueueOptions) {
    this.#clock = options.clock ?? systemClock;
    const bucket = new TokenBucket(this.#clock, options.bucket ?? DEFAULT_BUCKET);
    this.#limiter = new RetryLimiter(options.backoff ?? DEFAULT_BACKOFF, bucket);
    this.#metrics = options.metrics?.queue(options.name, () => this.#snapshot());
  }

  get length(): number {
    return this.#waiting.size;
  }

  add(key: string): void {
    if (this.#closed || this.#dirty.has(key)) return;
    this.#metrics?.added();
    this.#dirty.add(key);
    if (!this.#working.has(key)) this.#enqueue(key);
  }

  addAfter(key: string, delayMs: number): void {
    if (this.#closed) return;
    this.#metrics?.retried();
    if (!(delayMs > 0)) {
      this.add(key);
      return;
    }
    const due = this.#clock.now() + delayMs;
    const before = this.#due.get(key);
    if (before !== undefined && before <= due) return;
    this.#due.set(key, due);
    this.#delayed.push(due, key);
    this.#schedule();
  }

  addRateLimited(key: string): void {
    if (!this.#closed) this.addAfter(key, this.#limiter.delay(key));
  }

  forget(key: string): void {
    this.#limiter.forget(key);
  }

  retries(key: string): number {
    return this.#limiter.failures(key);
  }

  get(): Promise<string | undefined> {
    const [key] = this.#waiting.keys();
    if (key !== undefined) return Promise.resolve(this.#hand(key));
    if (this.#closed) return Promise.resolve(undefined);
    return new Promise((resolve) => this.#takers.push(resolve));
  }

  done(key: string): void {
    const since = this.#working.get(key);
    if (since === undefined) return;
    this.#working.delete(key);
    this.#metrics?.worked((this.#clock.now() - since) / 1000);
    if (this.#dirty.has(key)) this.#enqueue(key);
    this.#checkDrained();
  }

  shutDown(): void {
    this.#closed = true;
    this.#timer?.timer.cancel();
    this.#due.clear();
    for (const taker of this.#takers.splice(0)) taker(undefined);
    this.#checkDrained();
  }

  async shutDownWithDrain(): Promise<void> {
    this.shutDown();
    await this.#drained.promise;
  }

  #enqueue(key: string): void {
    this.#waiting.set(key, this.#clock.now());
    this.#metrics?.depth(this.#waiting.size);
    const taker = this.#takers.shift();
    if (taker !== undefined) taker(this.#hand(key));
  }

  #hand(key: string): string {
    const now = this.#clock.now();
    this.#metrics?.waited((now - (this.#waiting.get(key) ?? now)) / 1000);
    this.#waiting.delete(key);
    this.#metrics?.depth(this.#waiting.size);
    this.#dirty.delete(key);
    this.#working.set(key, now);
    return key;
  }

  /** One timer, for the earliest. */
  #schedule(): void {
    const due = this.#delayed.next;
    if (due === undefined || this.#closed || (this.#timer !== undefined && this.#timer.due <= due)) return;
    this.#timer?.timer.cancel();
    this.#timer = { due, timer: this.#clock.after(due - this.#clock.now(), () => this.#ripen()) };
  }

  #ripen(): void {
    this.#timer = undefined;
    const now = this.#clock.now();
    // A key whose delay was shortened stands in the heap twice; only the entry that `due` confirms counts.
    for (let key = this.#delayed.popDue(now); key !== undefined; key = this.#delayed.popDue(now)) {
      const due = this.#due.get(key);
      if (due === undefined || due > now) continue;
      this.#due.delete(key);
      this.add(key);
    }
    this.#schedule();
  }

  #checkDrained(): void {
    if (!this.#closed || this.#waiting.size > 0 || this.#working.size > 0) return;
    this.#metrics?.closed();
    this.#drained.resolve(undefined);
  }

  #snapshot(): QueueSnapshot {
    const now = this.#clock.now();
    const seconds = [...this.#working.values()].map((since) => (now - since) / 1000);
    return {
      unfinishedSeconds: seconds.reduce((sum, each) => sum + each, 0),
      longestSeconds: seconds.reduce((most, each) => Math.max(most, each), 0),
    };
  }
}

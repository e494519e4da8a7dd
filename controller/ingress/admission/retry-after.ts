import type { Random } from '#controller/kube/index.ts';

/** Bounds of Retry-After before chance adds up to half of it, seconds. */
const SHORTEST_SECONDS = 1;
const LONGEST_SECONDS = 60;
/** Longest Retry-After in all. */
const MOST_SECONDS = LONGEST_SECONDS + LONGEST_SECONDS / 2;

export interface Crowd {
  /** Those before the one that is told: in the queue. */
  readonly waiting: number;
  /** And those who were sent away to come back later. */
  readonly sentAway: number;
  /** Slots given back per second; undefined: none yet. */
  readonly rate: number | undefined;
  readonly maxConcurrent: number;
  /** How many may wait. */
  readonly maxQueued: number;
  readonly queueTimeoutMs: number;
}

/**
 * When somebody who is refused should come back, whole seconds: when all before are served, and up to half as much later,
 * so that a crowd does not come back as one.
 */
export function retryAfterSeconds(crowd: Crowd, random: Random): number {
  const seconds = Math.ceil(secondsUntilServed(crowd));
  // A rate that has decayed to nothing makes no number.
  const base = Number.isFinite(seconds)
    ? Math.min(Math.max(seconds, SHORTEST_SECONDS), LONGEST_SECONDS)
    : LONGEST_SECONDS;
  return base + Math.floor(random() * (Math.floor(base / 2) + 1));
}

/**
 * While nobody was served yet a full queue is taken to need its time-out, since by then it is empty, one way or the other;
 * and all slots as long again for each round of those who were sent away.
 */
function secondsUntilServed(crowd: Crowd): number {
  const { waiting, sentAway, rate, maxConcurrent, maxQueued, queueTimeoutMs } = crowd;
  if (rate !== undefined) return (waiting + sentAway + 1) / rate;
  return ((waiting + 1) / (maxQueued + 1) + sentAway / maxConcurrent) * (queueTimeoutMs / 1_000);
}

/** Those who were sent away and have not come back yet, if they do as they were told: a count for each second to come. */
export class SentAway {
  readonly #now: () => number;
  readonly #due = new Uint32Array(MOST_SECONDS + 1);
  /** Second (monotonic) up to which #due was cleared. */
  #second: number;
  #count = 0;

  constructor(now: () => number) {
    this.#now = now;
    this.#second = this.#current();
  }

  get count(): number {
    this.#advance();
    return this.#count;
  }

  add(seconds: number): void {
    this.#advance();
    this.#change((this.#second + Math.min(seconds, MOST_SECONDS)) % this.#due.length, 1);
  }

  #advance(): void {
    const current = this.#current();
    // After a long pause each of them is passed once, not each second of it.
    const from = Math.max(this.#second, current - this.#due.length);
    for (let second = from; second < current; second += 1) {
      const index = second % this.#due.length;
      this.#change(index, -(this.#due[index] ?? 0));
    }
    this.#second = current;
  }

  #change(index: number, by: number): void {
    this.#due[index] = (this.#due[index] ?? 0) + by;
    this.#count += by;
  }

  #current(): number {
    return Math.floor(this.#now() / 1_000);
  }
}

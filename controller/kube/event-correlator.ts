import type { Clock } from './clock.ts';
import { TokenBucket } from './rate-limiter.ts';
import type { ObjectReference } from './resources.ts';

/** What happened, before it is known whether it is new, a repetition or one too many. */
export interface Occurrence {
  readonly about: ObjectReference;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

/** An event as it stands on the server: one name, counted up. */
export interface EventRecord {
  readonly name: string;
  readonly occurrence: Occurrence;
  readonly count: number;
  readonly first: Date;
  readonly last: Date;
}

/** send: create if count is 1, else patch. */
export type Correlation =
  { readonly kind: 'send'; readonly key: string; readonly record: EventRecord } | { readonly kind: 'spam' };

/** client-go's figures (tools/record/events_cache.go). */
const MAX_SIMILAR = 10;
const SIMILAR_WINDOW_MS = 600_000;
const SPAM_BURST = 25;
const SPAM_PER_SECOND = 1 / 300;
const CACHE_SIZE = 4096;
/** 253 less the dot and 16 hexadecimal digits. */
const MAX_NAME = 236;
const COMBINED_PREFIX = '(combined from similar events): ';

/**
 * client-go's EventCorrelator: the same object, type, reason and message count up one event; more than ten different
 * messages for one reason within ten minutes become one combined event; each object may have 25 events at once and then one
 * in five minutes.
 */
export class EventCorrelator {
  readonly #clock: Clock;
  readonly #similar = new Lru<string, { readonly messages: Set<string>; last: number }>(CACHE_SIZE);
  readonly #records = new Lru<string, EventRecord>(CACHE_SIZE);
  readonly #buckets = new Lru<string, TokenBucket>(CACHE_SIZE);
  #serial = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  correlate(occurrence: Occurrence): Correlation {
    const { key, shown } = this.#aggregate(occurrence);
    const date = this.#clock.date();
    const before = this.#records.get(key);
    const record: EventRecord =
      before === undefined
        ? { name: this.#newName(occurrence, date), occurrence: shown, count: 1, first: date, last: date }
        : { ...before, occurrence: shown, count: before.count + 1, last: date };
    this.#records.set(key, record);
    return this.#bucketOf(occurrence).tryTake() ? { kind: 'send', key, record } : { kind: 'spam' };
  }

  /** The event is gone from the server (it keeps them for an hour): counted on under a new name. */
  renew(key: string, record: EventRecord): EventRecord {
    const renewed = { ...record, name: this.#newName(record.occurrence, this.#clock.date()) };
    const current = this.#records.get(key);
    if (current?.name === record.name) this.#records.set(key, { ...current, name: renewed.name });
    return renewed;
  }

  #aggregate(occurrence: Occurrence): { readonly key: string; readonly shown: Occurrence } {
    const { about, type, reason, message } = occurrence;
    const group = join(objectKey(about), type, reason);
    const now = this.#clock.now();
    const known = this.#similar.get(group);
    const similar =
      known !== undefined && now - known.last <= SIMILAR_WINDOW_MS ? known : { messages: new Set<string>(), last: now };
    similar.last = now;
    similar.messages.add(message);
    this.#similar.set(group, similar);
    if (similar.messages.size < MAX_SIMILAR) return { key: join(group, message), shown: occurrence };
    // One is let go, so that the set stays bounded and the group goes on being combined.
    for (const each of similar.messages) {
      similar.messages.delete(each);
      break;
    }
    return { key: group, shown: { ...occurrence, message: COMBINED_PREFIX + message } };
  }

  #bucketOf(occurrence: Occurrence): TokenBucket {
    const key = objectKey(occurrence.about);
    const found =
      this.#buckets.get(key) ?? new TokenBucket(this.#clock, { perSecond: SPAM_PER_SECOND, burst: SPAM_BURST });
    this.#buckets.set(key, found);
    return found;
  }

  /**
   * client-go's: the object's name (as far as there is room) and the time in hexadecimal nanoseconds; the serial keeps one
   * millisecond's apart.
   */
  #newName(occurrence: Occurrence, date: Date): string {
    this.#serial = (this.#serial + 1) % 1_000_000;
    const nanos = BigInt(date.getTime()) * 1_000_000n + BigInt(this.#serial);
    return `${occurrence.about.name.slice(0, MAX_NAME).replace(/[^a-z0-9]+$/, '')}.${nanos.toString(16)}`;
  }
}

function objectKey(about: ObjectReference): string {
  return join(about.apiVersion, about.kind, about.namespace ?? '', about.name, about.uid);
}

/** No part can hold a NUL, so no two lists of parts make the same key. */
function join(...parts: readonly string[]): string {
  return parts.join('\0');
}

/** A map that forgets what was not used for longest. */
export class Lru<K, V> {
  readonly #limit: number;
  readonly #entries = new Map<K, V>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get(key: K): V | undefined {
    const value = this.#entries.get(key);
    if (value !== undefined) {
      this.#entries.delete(key);
      this.#entries.set(key, value);
    }
    return value;
  }

  set(key: K, value: V): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size <= this.#limit) return;
    const [oldest] = this.#entries.keys();
    if (oldest !== undefined) this.#entries.delete(oldest);
  }
}

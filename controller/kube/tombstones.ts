import type { Clock } from './clock.ts';
import { compareResourceVersions } from './resource-version.ts';

/** Longer than any call may take: a write's late response must still find its object's tombstone. */
const KEPT_MS = 5 * 60_000;
const MAX_KEPT = 65_536;

/** Remembers, for some minutes, up to which resource version a key is known to be gone. */
export class Tombstones {
  readonly #clock: Clock;
  readonly #byKey = new Map<string, { readonly resourceVersion: string; readonly until: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(key: string, resourceVersion: string): void {
    // Deleted first, so that the map stays in the order of time and the oldest is the first.
    this.#byKey.delete(key);
    this.#byKey.set(key, { resourceVersion, until: this.#clock.now() + KEPT_MS });
    this.#expire();
  }

  /** Whether an object of this version was already gone. */
  covers(key: string, resourceVersion: string): boolean {
    const grave = this.#byKey.get(key);
    if (grave === undefined || grave.until <= this.#clock.now()) return false;
    return compareResourceVersions(resourceVersion, grave.resourceVersion) <= 0;
  }

  clear(): void {
    this.#byKey.clear();
  }

  #expire(): void {
    const now = this.#clock.now();
    for (const [key, grave] of this.#byKey) {
      if (grave.until > now && this.#byKey.size <= MAX_KEPT) return;
      this.#byKey.delete(key);
    }
  }
}

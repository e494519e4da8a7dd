import type { Clock } from './clock.ts';
import { Observation } from './lease-record.ts';
import type { LeaseObject } from './resources.ts';

/**
 * What is known of other people's Leases, seen again and again, by our own clock: the holders' times are not compared with
 * it. A Lease that is seen for the first time may be as old as it likes: its holder gets its whole time from then on.
 */
export class LeaseSightings {
  readonly #clock: Clock;
  readonly #seen = new Map<string, Observation>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** All Leases that there are now; others are forgotten. */
  seeAll(leases: readonly LeaseObject[]): void {
    const names = new Set(leases.map(({ metadata }) => metadata.name));
    for (const name of this.#seen.keys()) if (!names.has(name)) this.#seen.delete(name);
    for (const lease of leases) {
      const { name } = lease.metadata;
      const observation = this.#seen.get(name) ?? new Observation(this.#clock);
      this.#seen.set(name, observation);
      observation.see(lease);
    }
  }

  /** ms since a Lease ran out, negative while it has not; undefined: there is none of that name. */
  overdueMs(name: string): number | undefined {
    const observation = this.#seen.get(name);
    return observation === undefined ? undefined : this.#clock.now() - observation.expiresAt;
  }

  /** Names of those that are held and have not run out. */
  live(): readonly string[] {
    return [...this.#seen].flatMap(([name, seen]) => ((seen.holder ?? '') !== '' && seen.isFresh() ? [name] : []));
  }
}

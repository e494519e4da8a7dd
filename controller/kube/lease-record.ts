import type { Clock, Random } from './clock.ts';
import type { LeaseObject } from './resources.ts';

type LeaseSpec = NonNullable<LeaseObject['spec']>;

/** metav1.MicroTime: RFC 3339 with six digits. `random` fills the three that a Date does not have. */
export function microTime(date: Date, random: Random = () => 0): string {
  const micros = String(Math.floor(random() * 1000)).padStart(3, '0');
  return date.toISOString().replace('Z', `${micros}Z`);
}

/**
 * The record of a new holder. acquireTime is always new, so that another process under the same identity can tell that it
 * was replaced (client-go keeps it, and both would lead).
 */
export function acquired(
  found: LeaseObject | undefined,
  identity: string,
  durationSeconds: number,
  date: Date,
  random: Random,
): LeaseSpec {
  const before = found?.spec;
  const changed = before !== undefined && before.holderIdentity !== identity;
  return {
    ...before,
    holderIdentity: identity,
    leaseDurationSeconds: durationSeconds,
    acquireTime: microTime(date, random),
    renewTime: microTime(date),
    leaseTransitions: (before?.leaseTransitions ?? 0) + (changed ? 1 : 0),
  };
}

/** Our own record, renewed. */
export function renewed(own: LeaseObject, date: Date): LeaseObject {
  return { ...own, spec: { ...own.spec, renewTime: microTime(date) } };
}

/** Our own record, given up: as client-go's ReleaseOnCancel, without a holder and with the shortest duration. */
export function released(own: LeaseObject, date: Date): LeaseObject {
  const time = microTime(date);
  return {
    ...own,
    spec: { ...own.spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime: time, acquireTime: time },
  };
}

/**
 * When, by our own clock, the record last changed. The holder's own times are never compared with ours: clocks differ, and
 * only that it still renews counts.
 */
export class Observation {
  readonly #clock: Clock;
  #record = '';
  #changedAt = -Infinity;
  #durationMs = 0;
  #holder: string | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get holder(): string | undefined {
    return this.#holder;
  }

  /** Monotonic ms at which the holder's time runs out, unless it renews before. */
  get expiresAt(): number {
    return this.#changedAt + this.#durationMs;
  }

  see(lease: LeaseObject): void {
    const record = JSON.stringify(lease.spec ?? {});
    if (record === this.#record) return;
    this.#record = record;
    this.#changedAt = this.#clock.now();
    this.#holder = lease.spec?.holderIdentity;
    this.#durationMs = (lease.spec?.leaseDurationSeconds ?? 0) * 1000;
  }

  /** Whether the holder may still believe to hold it: by the duration it wrote itself. */
  isFresh(): boolean {
    return this.#clock.now() < this.expiresAt;
  }
}

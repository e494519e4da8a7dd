import { EPHEMERAL_DOMAINS, INGRESS_LEASE_PREFIX } from '#controller/api/index.ts';
import type { EphemeralDomain } from '#controller/api/index.ts';
import { isKubeError, LEASES, LeaseSightings, sleep } from '#controller/kube/index.ts';
import type { Clock, KubeLogger, RestClient } from '#controller/kube/index.ts';
import type { DomainStore } from './writer.ts';

export interface AbandonedParts {
  readonly rest: Pick<RestClient, 'list' | 'delete'>;
  readonly clock: Clock;
  readonly logger: KubeLogger;
  readonly options: { readonly ingressNamespace?: string | undefined };
}

const ROUND_MS = 5_000;
/** From when a replica's Lease ran out until it counts as dead: it may only have lost the API server for a moment. */
const PATIENCE_MS = 15_000;
/** A replica has its Lease before it makes anything: one that has none for so long has lost it. */
const MISSING_MS = 30_000;
const DELETES_AT_ONCE = 8;

/** Which ingress replicas are dead, as of one look after the other. */
export class ReplicaWatch {
  readonly #clock: Clock;
  readonly sightings: LeaseSightings;
  /** Monotonic ms since which a replica has been without a Lease. */
  readonly #missingSince = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.sightings = new LeaseSightings(clock);
  }

  /** Of these replicas, those that make and serve nothing any more. */
  dead(replicas: readonly string[]): readonly string[] {
    const now = this.#clock.now();
    for (const replica of this.#missingSince.keys())
      if (!replicas.includes(replica)) this.#missingSince.delete(replica);
    return replicas.filter((replica) => {
      const overdue = this.sightings.overdueMs(`${INGRESS_LEASE_PREFIX}${replica}`);
      if (overdue !== undefined) {
        this.#missingSince.delete(replica);
        return overdue >= PATIENCE_MS;
      }
      const since = this.#missingSince.get(replica) ?? now;
      this.#missingSince.set(replica, since);
      return now - since >= MISSING_MS;
    });
  }
}

/**
 * Deletes what ingress replicas that are dead left unfinished: nobody waits for it any more. Looks for it again and again
 * until the signal aborts, and asks the API server only while there is something that a replica serves.
 */
export async function deleteAbandoned(parts: AbandonedParts, store: DomainStore, signal: AbortSignal): Promise<void> {
  const { rest, clock, logger, options } = parts;
  const namespace = options.ingressNamespace;
  if (namespace === undefined) return;
  const watch = new ReplicaWatch(clock);
  while (!signal.aborted) {
    try {
      const replicas = store.indexValues('replica');
      if (replicas.length > 0) watch.sightings.seeAll((await rest.list(LEASES, { namespace, signal })).items);
      for (const replica of watch.dead(replicas)) {
        await deleteAll(parts, store.byIndex('replica', replica), replica);
      }
    } catch (error) {
      if (!isKubeError(error, 'aborted'))
        logger.warn('What dead ingress replicas left cannot be looked for', { namespace, error });
    }
    await sleep(clock, ROUND_MS, signal);
  }
}

async function deleteAll(parts: AbandonedParts, left: readonly EphemeralDomain[], replica: string): Promise<void> {
  parts.logger.info('An ingress replica is dead; what it left unfinished is deleted', { replica, count: left.length });
  for (let at = 0; at < left.length; at += DELETES_AT_ONCE) {
    await Promise.all(left.slice(at, at + DELETES_AT_ONCE).map((resource) => remove(parts, resource)));
  }
}

async function remove({ rest }: AbandonedParts, { metadata }: EphemeralDomain): Promise<void> {
  try {
    await rest.delete(EPHEMERAL_DOMAINS, metadata, { preconditions: { uid: metadata.uid }, timeoutMs: 10_000 });
  } catch (error) {
    if (!isKubeError(error, 'not-found', 'conflict')) throw error;
  }
}

import { createHash } from 'node:crypto';

import { INGRESS_LEASE_PREFIX } from '#controller/api/index.ts';
import { createLease, isKubeError, LEASES, LeaseSightings, sleep } from '#controller/kube/index.ts';
import type { Clock, KubeLogger, KubeMetrics, LeaseEnd, Random, RestClient } from '#controller/kube/index.ts';

/** A replica's name stands in a label, and in its Lease's name. */
const NAME = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const HASH_DIGITS = 16;

/** The name of the replica that a process of this identity is: itself where it can be one, else told apart by a hash. */
export function replicaName(identity: string): string {
  if (NAME.test(identity)) return identity;
  const hash = createHash('sha256').update(identity).digest('hex').slice(0, HASH_DIGITS);
  const kept = identity
    .toLowerCase()
    .replaceAll(/[^-a-z0-9]/g, '-')
    .replace(/^-+/, '');
  return kept === '' ? hash : `${kept.slice(0, 63 - HASH_DIGITS - 1)}-${hash}`;
}

export interface ReplicasOptions {
  readonly rest: RestClient;
  /** Of the Leases. */
  readonly namespace: string;
  readonly replica: string;
  /** So many replicas are alive now, this one included: told when that changes. */
  readonly changed: (live: number) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: KubeLogger;
  readonly metrics?: KubeMetrics | undefined;
  /** As of LeaseOptions, for tests. */
  readonly durations?: {
    readonly durationMs: number;
    readonly renewDeadlineMs: number;
    readonly retryPeriodMs: number;
  };
  /** How long `serve` may take to end, ms. Default: as of LeaseOptions. */
  readonly drainTimeoutMs?: number | undefined;
  /** Between two looks at the others, ms. Default 2,000. */
  readonly lookMs?: number;
}

const LOOK_MS = 2_000;

/**
 * Holds this replica's own Lease, which says that it is alive, and counts the others by theirs. `serve` runs while the Lease
 * is held; its signal aborts when it is lost, which is when others may delete what this replica made. Resolves with how it
 * ended: 'replaced' says that another process goes by the same name.
 */
export async function holdReplica(
  options: ReplicasOptions,
  serve: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<LeaseEnd> {
  const { rest: client, namespace, replica, clock, random, logger, metrics, durations } = options;
  const lease = createLease({
    ...{ client, namespace, name: `${INGRESS_LEASE_PREFIX}${replica}`, identity: replica, clock, random, logger },
    ...(metrics === undefined ? {} : { metrics }),
    ...durations,
    ...(options.drainTimeoutMs === undefined ? {} : { drainTimeoutMs: options.drainTimeoutMs }),
    onStartedLeading: async (held) => {
      await Promise.all([countReplicas(options, held), serve(held)]);
    },
  });
  return lease.run(signal);
}

/** While the API server does not answer the last number stands. */
async function countReplicas(options: ReplicasOptions, signal: AbortSignal): Promise<void> {
  const { rest, namespace, replica, changed, clock, logger, lookMs = LOOK_MS } = options;
  const sightings = new LeaseSightings(clock);
  const own = `${INGRESS_LEASE_PREFIX}${replica}`;
  let live = 1;
  while (!signal.aborted) {
    try {
      const { items } = await rest.list(LEASES, { namespace, signal });
      sightings.seeAll(items.filter(({ metadata }) => metadata.name.startsWith(INGRESS_LEASE_PREFIX)));
      const now = new Set([...sightings.live(), own]).size;
      if (now !== live) {
        logger.info('The number of ingress replicas has changed', { live: now, before: live });
        live = now;
        changed(live);
      }
    } catch (error) {
      if (!isKubeError(error, 'aborted'))
        logger.warn('The other ingress replicas cannot be counted', { namespace, error });
    }
    await sleep(clock, lookMs, signal);
  }
}

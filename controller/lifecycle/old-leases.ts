import { INGRESS_LEASE_PREFIX } from '#controller/api/index.ts';
import { isKubeError, LEASES, LeaseSightings, sleep } from '#controller/kube/index.ts';
import type { LeaseObject } from '#controller/kube/index.ts';
import type { AbandonedParts } from './abandoned.ts';

const ROUND_MS = 600_000;
/** From when a replica's Lease ran out. Long after the last that anybody asks it: whose domains are whose. */
const OLD_MS = 3_600_000;
const TIMEOUT_MS = 10_000;

/**
 * Deletes the Leases of ingress replicas that are long gone, until the signal aborts: each Pod's is of another name, and
 * nobody else would. How old one is counts from when this process first saw it as it is.
 */
export async function deleteOldLeases(parts: AbandonedParts, signal: AbortSignal): Promise<void> {
  const { rest, clock, logger, options } = parts;
  const namespace = options.ingressNamespace;
  if (namespace === undefined) return;
  const sightings = new LeaseSightings(clock);
  while (!signal.aborted) {
    try {
      const { items } = await rest.list(LEASES, { namespace, signal });
      const replicas = items.filter(({ metadata }) => metadata.name.startsWith(INGRESS_LEASE_PREFIX));
      sightings.seeAll(replicas);
      const old = replicas.filter(({ metadata }) => (sightings.overdueMs(metadata.name) ?? 0) >= OLD_MS);
      for (const lease of old) await remove(parts, lease, signal);
    } catch (error) {
      if (!isKubeError(error, 'aborted'))
        logger.warn('Leases of ingress replicas that are long gone cannot be deleted', { namespace, error });
    }
    await sleep(clock, ROUND_MS, signal);
  }
}

/** As it was seen: one that was taken meanwhile stays. */
async function remove({ rest, logger }: AbandonedParts, { metadata }: LeaseObject, signal: AbortSignal): Promise<void> {
  const { namespace, name, uid, resourceVersion } = metadata;
  try {
    await rest.delete(LEASES, metadata, { preconditions: { uid, resourceVersion }, timeoutMs: TIMEOUT_MS, signal });
    logger.info('The Lease of an ingress replica that is long gone is deleted', { namespace, lease: name });
  } catch (error) {
    if (!isKubeError(error, 'not-found', 'conflict')) throw error;
  }
}

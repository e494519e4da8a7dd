import type { Slot } from '../admission/index.ts';
import type { Departures } from '../departures/index.ts';
import type { Spawned } from '../spawn/index.ts';

type Ending = Pick<Spawned, 'ended' | 'namespace' | 'name' | 'uid' | 'host'>;

/**
 * Most hosts have destroyed a domain by then. Slots that are given back sooner have the API server create and delete without
 * end for visitors who leave at once: others' DELETEs take several times as long then.
 */
const LEAST_MS = 1_000;

/**
 * Resolves when there is no domain any more: at once where there was none or it came to its end, but not as soon as its
 * resource is deleted, since its host destroys it only then, and after `leastMs` at the earliest. Never rejects.
 */
export const domainGone = async (
  spawned: Ending,
  departures: Pick<Departures, 'departed'>,
  leastMs = 0,
): Promise<void> => {
  const { kind } = await spawned.ended;
  const { namespace, name, uid, host } = spawned;
  // Without a UID nobody has seen it, and its POST was never answered.
  if (kind === 'deleted' && uid !== undefined) await departures.departed({ namespace, name, uid, host }, leastMs);
};

/**
 * Gives a slot back when its domain is gone. Else visitors who leave one after the other would have more domains at a time
 * than there are slots.
 */
export const returnSlot = async (
  slot: Slot,
  spawned: Ending,
  departures: Pick<Departures, 'departed'>,
): Promise<void> => {
  await domainGone(spawned, departures, LEAST_MS);
  slot.release();
};

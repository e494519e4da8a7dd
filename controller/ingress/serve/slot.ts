import { sleep } from '#controller/kube/index.ts';
import type { Clock } from '#controller/kube/index.ts';
import type { Slot } from '../admission/index.ts';
import type { Spawned } from '../spawn/index.ts';

/** What a host has to destroy the domain of a deleted resource, of which nobody is told. */
const DESTROYING_MS = 1_000;

/**
 * Gives a slot back when its domain is gone: at once where there was none or it came to its end, but not as soon as its
 * resource is deleted, since its host destroys it only then. Else visitors who leave one after the other would have more
 * domains at a time than there are slots, and each slot would cost the API server a create and a delete in no time.
 */
export const returnSlot = async (slot: Slot, { ended }: Pick<Spawned, 'ended'>, clock: Clock): Promise<void> => {
  const { kind } = await ended;
  if (kind === 'deleted') await sleep(clock, DESTROYING_MS);
  slot.release();
};

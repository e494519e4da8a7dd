import { join } from 'node:path';
import type { Bed } from './bed.ts';
import { acquireLock } from './lock.ts';
import { giveToOwner, makeOwnedFolder } from './owner.ts';
import { BED_VARIABLE } from './process.ts';

/**
 * Does work on a bed that no other command may touch meanwhile; waits for one that is at work, up to `timeoutMs`. Marks
 * this program's environment, so that each child carries the bed's id, and `make down` finds it even where this program
 * was killed before it wrote a pid.
 */
export async function exclusively<T>(bed: Bed, timeoutMs: number, work: () => Promise<T>): Promise<T> {
  const release = await occupyBed(bed, timeoutMs);
  try {
    return await work();
  } finally {
    await giveToOwner(bed.owner, bed.dir);
    await release();
  }
}

/** As exclusively(), for work that is no one function: resolves with what lets others in again. */
export async function occupyBed(bed: Bed, timeoutMs: number): Promise<() => Promise<void>> {
  await makeOwnedFolder(bed.owner, bed.dir);
  const onWait = (): void => {
    console.log(`Another program is at work on ${bed.dir}; waiting for it …`);
  };
  const release = await acquireLock(join(bed.dir, 'lock'), { timeoutMs, onWait });
  process.env[BED_VARIABLE] = bed.id;
  return release;
}

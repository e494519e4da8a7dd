import { join } from 'node:path';
import { startCompanion } from '../support/companion.ts';
import type { CrowdCounts, CrowdOptions } from './crowd.ts';

/** A crowd of slow visitors that are all there. */
export interface Crowd {
  /** Sends them away; what became of them. */
  stop(): Promise<CrowdCounts>;
}

/** It must not take from those who are measured. */
const CROWD_NICE = 19;

/** Starts a crowd; resolves once all of it is connected. */
export async function gather(options: CrowdOptions): Promise<Crowd> {
  const crowd = await startCompanion(join(import.meta.dirname, 'crowd.ts'), options, { nice: CROWD_NICE });
  await crowd.next();
  return {
    stop: async () => {
      crowd.stop();
      return JSON.parse(await crowd.next()) as CrowdCounts;
    },
  };
}

import { join } from 'node:path';
import type { Bed } from '../../bed/bed.ts';
import { testNetwork } from './network.ts';

/** Where everything of a host on the test driver is. */
export interface TestPlan {
  readonly name: string;
  /** Name of the process that plays the guests. */
  readonly player: string;
  readonly folder: string;
  /** Folder of the daemon's sockets and of what it writes; its user's alone. */
  readonly daemonFolder: string;
  readonly daemonSocket: string;
  /** What clients are told: a link to the daemon's socket, there once the host is ready for them. */
  readonly socket: string;
  readonly conf: string;
  readonly domainCIDR: string;
  readonly gateway: string;
}

/** A path that the image pool is said to lie over; the test driver looks at no file. */
export const IMAGE_DIRECTORY = '/var/lib/hatchery/images';

/** The plan of a bed's host number `n` (from 1) on the test driver. */
export function planTestHost(bed: Pick<Bed, 'runDir'>, n: number): TestPlan {
  const network = testNetwork(n);
  const name = `test-${n}`;
  const folder = join(bed.runDir, name);
  const daemonFolder = join(folder, 'daemon');
  return {
    name,
    player: `${name}-guests`,
    folder,
    daemonFolder,
    daemonSocket: join(daemonFolder, 'libvirt-sock'),
    socket: join(folder, 'libvirt-sock'),
    conf: join(folder, 'libvirtd.conf'),
    ...network,
  };
}

import { join } from 'node:path';
import { hostNetwork } from '../../bed/bed.ts';
import type { Bed, HostNetwork } from '../../bed/bed.ts';

/** Where everything of an LXC host is, and what it is called. */
export interface LxcPlan {
  readonly name: string;
  /** Name of the process that keeps the host's namespaces. */
  readonly holder: string;
  /** Its cgroup in each hierarchy of the machine; also the source of its mounts, by which they are told. */
  readonly group: string;
  /** The machine's end of the link to the host. */
  readonly rootLink: string;
  readonly network: HostNetwork;
  readonly folder: string;
  readonly socket: string;
  readonly conf: string;
  readonly drivers: string;
  /** There once the namespaces and the network were made: without it they may be half of what a host needs. */
  readonly made: string;
  readonly imageDirectory: string;
}

/** Names inside of the host's namespace, the same in all. */
export const BRIDGE = 'hatchery0';
export const UPLINK = 'uplink';

/** A bridge with an address of its own keeps it, whatever is put on it: guests need not learn a new one. */
export const BRIDGE_MAC = '02:68:61:74:00:01';

/** Most hosts a bed has: they take the host indexes from the bottom, Xen hosts those from the top. */
export const MAX_HOSTS = 7;

/** The plan of a bed's LXC host number `n` (from 1). */
export function planLxcHost(bed: Pick<Bed, 'id' | 'dir' | 'runDir' | 'block'>, n: number): LxcPlan {
  if (!Number.isInteger(n) || n < 1 || n > MAX_HOSTS) {
    throw new RangeError(`lxc-${n}: a test bed has LXC hosts 1 to ${MAX_HOSTS}`);
  }
  const name = `lxc-${n}`;
  const folder = join(bed.runDir, name);
  return {
    name,
    holder: `${name}-holder`,
    group: `hatchery-${bed.id}-${name}`,
    rootLink: `h${bed.id}l${n}`,
    network: hostNetwork(bed, n),
    folder,
    socket: join(folder, 'libvirt-sock'),
    conf: join(folder, 'libvirtd.conf'),
    drivers: join(folder, 'drivers'),
    made: join(folder, 'made'),
    // Not in /run, from which a machine may forbid to execute.
    imageDirectory: join(bed.dir, 'lxc', name, 'images'),
  };
}

import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { hostNetwork, MAX_HOST_INDEX } from '../../bed/bed.ts';
import type { Bed, HostNetwork } from '../../bed/bed.ts';

/** Every name, path and address of one box. Derived from (bed, number) alone, so that any program finds a box again. */
export interface XenPlan {
  /** Node name, pid file, log. */
  readonly name: string;
  /** Network namespace that QEMU runs in. */
  readonly namespace: string;
  /** The machine's own end of the link into that namespace. */
  readonly rootLink: string;
  readonly network: HostNetwork;
  /** Ends of the two taps in the namespace, with their prefix lengths; dom0 has `managementAddress` on the first. */
  readonly managementGateway: string;
  readonly managementAddress: string;
  /** Host UUID that libvirtd tells in its capabilities. */
  readonly hostUuid: string;
  /** Folder for what differs from box to box; removed with the box. */
  readonly dir: string;
  /** Folder for the box' sockets. */
  readonly runDir: string;
  /** Unix socket of the control channel. */
  readonly controlSocket: string;
  /** What dom0 and the hypervisor write on their console. */
  readonly consoleLog: string;
}

/** Names inside a box and its namespace, the same in all. */
export const BRIDGE = 'xenbr0';
export const UPLINK = 'uplink';
export const MANAGEMENT_TAP = 'management';
export const GUEST_TAP = 'guests';
export const IMAGE_DIRECTORY = '/var/lib/hatchery/images';
export const VIF_SCRIPT = '/etc/xen/scripts/vif-hatchery';

/** Most boxes a bed has: Xen hosts take the host indexes from the top, hosts of other kinds from the bottom. */
export const MAX_BOXES = 7;

/** The plan of a bed's box number `n` (from 1). */
export function planXenHost(bed: Bed, n: number): XenPlan {
  if (!Number.isInteger(n) || n < 1 || n > MAX_BOXES) {
    throw new RangeError(`xen-${n}: a test bed has Xen hosts 1 to ${MAX_BOXES}`);
  }
  const name = `xen-${n}`;
  const network = hostNetwork(bed, MAX_HOST_INDEX + 1 - n);
  const runDir = join(bed.runDir, name);
  return {
    name,
    namespace: `hatchery-${bed.id}-${name}`,
    rootLink: `h${bed.id}x${n}`,
    network,
    managementGateway: addressIn(network.managementCIDR, 1),
    managementAddress: addressIn(network.managementCIDR, 2),
    hostUuid: uuidFrom(`${bed.id}/${name}`),
    dir: join(bed.dir, 'xen', name),
    runDir,
    controlSocket: join(runDir, 'dom0'),
    consoleLog: join(bed.dir, 'logs', `${name}.console.log`),
  };
}

/** Length of a CIDR's prefix: 28 of 198.18.1.16/28. */
export function prefixLength(cidr: string): number {
  return Number(cidr.split('/')[1]);
}

/** The address `offset` places into a range that does not cross an octet. */
function addressIn(cidr: string, offset: number): string {
  const octets = (cidr.split('/')[0] ?? '').split('.').map(Number);
  return [...octets.slice(0, 3), (octets[3] ?? 0) + offset].join('.');
}

/** A UUID of version 8 (RFC 9562: a hash of one's own choice). */
function uuidFrom(text: string): string {
  const hex = createHash('sha256').update(`hatchery xen box ${text}`).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  );
}

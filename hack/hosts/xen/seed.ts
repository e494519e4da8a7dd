import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { run } from '../../bed/run.ts';
import { BRIDGE, IMAGE_DIRECTORY, prefixLength } from './plan.ts';
import type { XenPlan } from './plan.ts';
import type { ServerCredentials } from './pki.ts';

/** A file for the root of dom0. */
export interface SeedFile {
  readonly path: string;
  readonly content: string | Buffer;
  readonly mode?: number;
}

/** The files that make a box the one it is; see image/init for how they get there. */
export function seedFiles(
  plan: XenPlan,
  credentials: ServerCredentials,
  libvirtdConf: string,
  initrd: Buffer,
): readonly SeedFile[] {
  const bits = prefixLength(plan.network.managementCIDR);
  const environment = [
    `BOX_NAME=${plan.name}`,
    `MANAGEMENT_ADDRESS=${plan.managementAddress}/${bits}`,
    `MANAGEMENT_GATEWAY=${plan.managementGateway}`,
    `BRIDGE=${BRIDGE}`,
    // A bridge without an address of its own takes the lowest of its ports', and so changes it with each domain.
    `BRIDGE_MAC=02:00:c6:12:${hexOctet(plan.network.gateway, 2)}:01`,
  ];
  const own = [`listen_addr = "${plan.managementAddress}"`, `host_uuid = "${plan.hostUuid}"`];
  return [
    { path: 'etc/hatchery/box.env', content: `${environment.join('\n')}\n` },
    { path: 'etc/hostname', content: `${plan.name}\n` },
    { path: 'etc/hosts', content: `127.0.0.1 localhost\n${plan.managementAddress} ${plan.name}\n` },
    { path: 'etc/libvirt/libvirtd.conf', content: `${libvirtdConf}${own.join('\n')}\n` },
    { path: 'etc/pki/CA/cacert.pem', content: credentials.ca },
    { path: 'etc/pki/libvirt/servercert.pem', content: credentials.cert },
    { path: 'etc/pki/libvirt/private/serverkey.pem', content: credentials.key, mode: 0o600 },
    { path: `${IMAGE_DIRECTORY.slice(1)}/hatchling-initrd`, content: initrd },
  ];
}

/** Packs the files into a tar, which is a disk as it is: whole blocks of 512 bytes. */
export async function writeSeed(folder: string, files: readonly SeedFile[]): Promise<string> {
  const tree = join(folder, 'seed');
  await rm(tree, { recursive: true, force: true });
  for (const { path, content, mode } of files) {
    await mkdir(join(tree, dirname(path)), { recursive: true });
    await writeFile(join(tree, path), content, { mode: mode ?? 0o644 });
  }
  const disk = join(folder, 'seed.tar');
  const owners = ['--owner=0', '--group=0', '--numeric-owner'];
  const paths = files.map((file) => file.path);
  await run(['tar', '-C', tree, ...owners, '-cf', disk, ...paths], { timeoutMs: 30_000 });
  await chmod(disk, 0o600);
  await rm(tree, { recursive: true, force: true });
  return disk;
}

function hexOctet(address: string, index: number): string {
  return Number(address.split('.')[index]).toString(16).padStart(2, '0');
}

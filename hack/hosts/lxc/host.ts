import { chmod, chown, copyFile, glob, mkdir, readFile, rm, rmdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isThere } from '../../bed/files.ts';
import type { Bed } from '../../bed/bed.ts';
import { makeOwnedFolder } from '../../bed/owner.ts';
import { isRunning, runningIdentity, startProcess, stopProcess, waitFor } from '../../bed/process.ts';
import { run } from '../../bed/run.ts';
import { buildHatchling, packages as guestPackages } from '../../guests/hatchling.ts';
import type { TestHost } from '../host.ts';
import { answers, daemonControl, libvirtdConf } from '../libvirtd.ts';
import { joinGroup, makeGroup, removeGroup } from './cgroup.ts';
import { makeNetwork, removeNetwork } from './network.ts';
import { BRIDGE, planLxcHost } from './plan.ts';
import type { LxcPlan } from './plan.ts';

/** Debian packages that a host on libvirt's LXC driver needs. */
export const packages: readonly string[] = [
  'libvirt-daemon',
  'libvirt-daemon-driver-lxc',
  'libvirt-clients',
  'iproute2',
  'nftables',
  'util-linux',
  ...guestPackages,
];

const SCRIPTS = import.meta.dirname;
/** Without others: the QEMU driver, for one, does not even start where its user is missing. */
const DRIVERS = ['libvirt_driver_lxc.so', 'libvirt_driver_storage.so'];
/** Mount points that a domain's root file system must have, since it is mounted read-only; libvirt pivots in the last. */
const MOUNT_POINTS = ['dev', 'proc', 'sys', '.oldroot'];

/**
 * A host whose libvirtd runs domains as Linux containers. A holder process keeps its network, mount and cgroup
 * namespaces, so that a daemon that was killed comes back to its running domains.
 */
export function createLxcHost(bed: Bed, n: number): TestHost {
  const plan = planLxcHost(bed, n);
  const uri = `lxc+unix:///system?socket=${plan.socket}`;
  return {
    kind: 'lxc',
    name: plan.name,
    uri,
    address: plan.network.hostAddress,
    bridge: BRIDGE,
    domainCIDR: plan.network.domainCIDR,
    gateway: plan.network.gateway,
    imageDirectory: plan.imageDirectory,
    vifScript: undefined,
    tls: undefined,
    daemon: daemonControl(bed, plan.name, () => startDaemon(bed, plan, uri)),
    start: () => startLxcHost(bed, plan, uri),
    stop: () => stopLxcHost(bed, plan),
    isRunning: async () => (await isRunning(bed, plan.holder)) && (await isRunning(bed, plan.name)),
  };
}

async function startLxcHost(bed: Bed, plan: LxcPlan, uri: string): Promise<void> {
  if (!(await isRunning(bed, plan.holder)) || !(await isThere(plan.made))) {
    // Without its holder nothing of a host can be used again, nor what an interrupted start left.
    await stopLxcHost(bed, plan);
    await makeFolders(bed, plan);
    await startHolder(bed, plan);
    await writeFile(plan.made, '');
  }
  await startDaemon(bed, plan, uri);
}

async function stopLxcHost(bed: Bed, plan: LxcPlan): Promise<void> {
  // The daemon first and without notice: domains that end then cost it 200 ms each.
  await stopProcess(bed, plan.name, { signal: 'SIGKILL' });
  await removeGroup(plan.group);
  await stopProcess(bed, plan.holder, { signal: 'SIGKILL' });
  await removeNetwork(plan);
  await rm(plan.folder, { recursive: true, force: true });
  await rm(dirname(plan.imageDirectory), { recursive: true, force: true });
  await removeIfEmpty(dirname(dirname(plan.imageDirectory)));
}

async function makeFolders(bed: Bed, plan: LxcPlan): Promise<void> {
  const { executable } = await buildHatchling(bed);
  await mkdir(plan.drivers, { recursive: true });
  const modules = await findModules();
  for (const driver of DRIVERS) await symlink(join(modules, driver), join(plan.drivers, driver));
  // Whoever enters the folder can do all that root can, through the daemon.
  await chmod(plan.folder, 0o700);
  await chown(plan.folder, bed.owner.uid, bed.owner.gid);
  for (const folder of ['.', ...MOUNT_POINTS]) await makeOwnedFolder(bed.owner, join(plan.imageDirectory, folder));
  const image = join(plan.imageDirectory, 'hatchling');
  await copyFile(executable, image);
  await chmod(image, 0o755);
  await chown(image, bed.owner.uid, bed.owner.gid);
}

/** The folder of libvirt's driver modules, which is named by the architecture. */
async function findModules(): Promise<string> {
  for await (const module of glob('/usr/lib/*/libvirt/connection-driver/libvirt_driver_lxc.so')) return dirname(module);
  throw new Error('libvirt_driver_lxc.so is nowhere below /usr/lib: is libvirt-daemon-driver-lxc installed?');
}

async function startHolder(bed: Bed, plan: LxcPlan): Promise<void> {
  await makeGroup(plan.group);
  const { pid } = await startProcess(bed, {
    name: plan.holder,
    command: 'sleep',
    args: ['infinity'],
    cwd: '/',
    wrap: ['/bin/sh', join(SCRIPTS, 'enter.sh'), plan.group, 'new'],
  });
  const process = { bed, name: plan.holder };
  await waitFor(`${plan.name} has its namespaces`, () => isHolding(pid), { timeoutMs: 10_000, intervalMs: 5, process });
  await joinGroup(plan.group, pid);
  const inside = ['nsenter', `--target=${pid}`, '--net', '--mount', '--cgroup', '--', '/bin/sh'];
  const script = join(SCRIPTS, 'namespace.sh');
  await run([...inside, script, plan.folder, plan.imageDirectory, plan.group], { timeoutMs: 20_000 });
  await makeNetwork(plan, pid);
}

/** A fresh daemon over the namespaces that are there; none where one runs. Resolves when it answers. */
async function startDaemon(bed: Bed, plan: LxcPlan, uri: string): Promise<void> {
  if (await isRunning(bed, plan.name)) return;
  const holder = await runningIdentity(bed, plan.holder);
  if (holder === undefined) throw new Error(`${plan.name}: its namespaces are gone; start the host, not its daemon`);
  await writeFile(plan.conf, libvirtdConf({ socketFolder: plan.folder, maxClients: 500 }));
  await startProcess(bed, {
    name: plan.name,
    command: '/usr/sbin/libvirtd',
    args: ['-f', plan.conf, '-p', join(plan.folder, 'libvirtd.pid')],
    env: { LIBVIRT_DRIVER_DIR: plan.drivers },
    cwd: '/',
    wrap: ['/bin/sh', join(SCRIPTS, 'enter.sh'), plan.group, String(holder.pid)],
  });
  const wait = { timeoutMs: 20_000, intervalMs: 10, process: { bed, name: plan.name } };
  await waitFor(`${plan.name} answers`, () => answers(uri), wait);
}

/** Whether the holder's wrapper has done its work and become the command that it was to start. */
async function isHolding(pid: number): Promise<boolean> {
  try {
    return (await readFile(`/proc/${pid}/comm`, 'utf8')) === 'sleep\n';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

async function removeIfEmpty(folder: string): Promise<void> {
  try {
    await rmdir(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOTEMPTY' && code !== 'ENOENT') throw error;
  }
}

import { chown, lstat, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bed } from '../../bed/bed.ts';
import { actsForAnother } from '../../bed/owner.ts';
import { isRunning, startProcess, stopProcess, waitFor } from '../../bed/process.ts';
import type { ProcessOptions } from '../../bed/process.ts';
import type { TestHost } from '../host.ts';
import { daemonControl, libvirtdConf } from '../libvirtd.ts';
import { IMAGE_DIRECTORY, planTestHost } from './plan.ts';
import type { TestPlan } from './plan.ts';

/** Debian packages that a host on libvirt's test driver needs. */
export const packages: readonly string[] = ['libvirt-daemon', 'util-linux'];

/** User and group nobody, as every Debian has them. */
const NOBODY = 65534;

const PLAYER = join(import.meta.dirname, 'player.ts');

/**
 * A host whose libvirtd has the test driver alone; its guests are played by a process of the bed. Both run as the
 * checkout's owner, without any right of root's.
 */
export function createTestHost(bed: Bed, n: number): TestHost {
  const plan = planTestHost(bed, n);
  const start = (): Promise<void> => startTestHost(bed, plan);
  return {
    kind: 'test',
    name: plan.name,
    uri: `test+unix:///default?socket=${plan.socket}`,
    address: '127.0.0.1',
    bridge: undefined,
    domainCIDR: plan.domainCIDR,
    gateway: plan.gateway,
    imageDirectory: IMAGE_DIRECTORY,
    vifScript: undefined,
    tls: undefined,
    daemon: daemonControl(bed, plan.name, start),
    start,
    stop: async () => {
      await stopProcess(bed, plan.player);
      await stopProcess(bed, plan.name);
      await rm(plan.folder, { recursive: true, force: true });
    },
    isRunning: async () => (await isRunning(bed, plan.name)) && (await isRunning(bed, plan.player)),
  };
}

/**
 * Starts what is missing. A fresh daemon knows nothing of the one before it; its clients find it only once the player
 * has made the image pool, whose UUID is the host's boot, so that no client makes another.
 */
async function startTestHost(bed: Bed, plan: TestPlan): Promise<void> {
  const daemonRuns = await isRunning(bed, plan.name);
  const playerRuns = await isRunning(bed, plan.player);
  if (!daemonRuns || !playerRuns) await rm(plan.socket, { force: true });
  if (!daemonRuns) await startDaemon(bed, plan);
  if (!playerRuns) {
    await startProcess(bed, {
      name: plan.player,
      command: process.execPath,
      args: [PLAYER, plan.daemonSocket, plan.socket],
      asOwner: true,
    });
  }
  const wait = { timeoutMs: 20_000, intervalMs: 20, process: { bed, name: plan.player } };
  await waitFor(`${plan.name} has its image pool`, () => isThere(plan.socket), wait);
}

async function startDaemon(bed: Bed, plan: TestPlan): Promise<void> {
  const user = daemonUser(bed);
  const drivers = join(plan.daemonFolder, 'no-drivers');
  await rm(plan.daemonFolder, { recursive: true, force: true });
  await mkdir(plan.folder, { recursive: true });
  if (actsForAnother(bed.owner)) await chown(plan.folder, bed.owner.uid, bed.owner.gid);
  await mkdir(plan.daemonFolder, { mode: 0o700 });
  await mkdir(drivers);
  if (user !== undefined) await chown(plan.daemonFolder, user.uid, user.gid);
  await writeFile(plan.conf, libvirtdConf({ socketFolder: plan.daemonFolder, maxClients: 500 }));
  const home = plan.daemonFolder;
  await startProcess(bed, {
    name: plan.name,
    command: '/usr/sbin/libvirtd',
    args: ['-f', plan.conf, '-p', join(plan.daemonFolder, 'libvirtd.pid')],
    cwd: plan.daemonFolder,
    env: {
      LIBVIRT_DRIVER_DIR: drivers,
      HOME: home,
      XDG_RUNTIME_DIR: home,
      XDG_CONFIG_HOME: home,
      XDG_CACHE_HOME: home,
      XDG_DATA_HOME: home,
    },
    ...asUser(user),
  });
  const wait = { timeoutMs: 20_000, intervalMs: 20, process: { bed, name: plan.name } };
  await waitFor(`${plan.name} listens`, () => isThere(plan.daemonSocket), wait);
}

/**
 * Who the daemon runs as; undefined where it is the caller. Never root: root's libvirtd makes folders all over the
 * machine, any other user's keeps to those that its environment names.
 */
function daemonUser(bed: Bed): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  return bed.owner.uid === 0 ? { uid: NOBODY, gid: NOBODY } : bed.owner;
}

function asUser(user: { readonly uid: number; readonly gid: number } | undefined): Pick<ProcessOptions, 'wrap'> {
  if (user === undefined) return {};
  return { wrap: ['setpriv', `--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups', '--'] };
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

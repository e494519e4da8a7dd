import { readFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { closeBed } from '../bed/bed.ts';
import type { Bed } from '../bed/bed.ts';
import { uninterrupted } from '../bed/interrupt.ts';
import { bedProcesses, removeLeftovers } from '../bed/leftovers.ts';
import { giveToOwner } from '../bed/owner.ts';
import { isRunning, recordedProcesses, stopProcess } from '../bed/process.ts';
import { step } from '../bed/step.ts';
import { stopCluster } from '../cluster/cluster.ts';
import { createHost } from './hosts.ts';
import { hostName, parseHostName } from './hostlist.ts';
import type { HostChoice } from './hostlist.ts';

/** Some of a bed did not end; the message names each part and why. */
export class TakeDownError extends Error {
  constructor(failures: readonly string[]) {
    super(`not all of the bed is down; run "make down" again:\n${failures.join('\n')}`);
    this.name = 'TakeDownError';
  }
}

/**
 * Ends everything of a bed, in whatever state it is, and gives its addresses back. Logs stay. A part that does not end
 * keeps no other from ending. Idempotent.
 */
export function takeDown(bed: Bed): Promise<void> {
  // Undo work: it goes to its end also where what it undoes was interrupted.
  return uninterrupted(() => endAll(bed));
}

async function endAll(bed: Bed): Promise<void> {
  const failures: string[] = [];
  const attempt = async (what: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      failures.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  const names = await recordedProcesses(bed);
  for (const name of ['ingress', 'controller']) {
    if (!names.includes(name)) continue;
    await attempt(name, () => step(`Stopping ${name}`, () => stopProcess(bed, name)));
  }
  const hosts = await knownHosts(bed, names);
  await Promise.all(
    hosts.map((choice) => {
      const name = hostName(choice);
      return attempt(name, () => step(`Stopping ${name}`, () => createHost(bed, choice).stop()));
    }),
  );
  await attempt('control plane', () => stopControlPlane(bed, names));
  for (const name of await recordedProcesses(bed)) await attempt(name, () => stopProcess(bed, name));
  await attempt('leftovers', async () => {
    for (const leftover of await removeLeftovers(bed)) console.log(`  removed a leftover: ${leftover}`);
  });
  if (failures.length > 0) throw new TakeDownError(failures);
  await removeState(bed);
}

/** Whether root started parts of the bed, which only root can end. */
export function belongsToRoot(bed: Bed): Promise<boolean> {
  return isThere(`/run/hatchery-${bed.id}`);
}

/** Whether there is anything of a bed to take down. */
export async function leftAnything(bed: Bed): Promise<boolean> {
  return (await isThere(join(bed.dir, 'run'))) || (await belongsToRoot(bed)) || bedProcesses(bed.id).length > 0;
}

/** Every host that left a trace: a pid file, a note in /run, a namespace, a cgroup. */
export async function knownHosts(bed: Bed, processNames: readonly string[]): Promise<readonly HostChoice[]> {
  const prefix = `hatchery-${bed.id}-`;
  const candidates = [
    ...processNames,
    ...(await namesIn(bed.runDir)),
    ...(await linesOf(join(bed.runDir, 'hosts'))),
    ...[...(await namesIn('/run/netns')), ...(await cgroupNames())].flatMap((name) =>
      name.startsWith(prefix) ? [name.slice(prefix.length)] : [],
    ),
  ];
  const names = new Set(candidates.map((name) => /^(?:xen|lxc|test)-\d+/.exec(name)?.[0] ?? ''));
  return [...names].sort().flatMap((name) => parseHostName(name) ?? []);
}

async function stopControlPlane(bed: Bed, names: readonly string[]): Promise<void> {
  const anyRuns = await Promise.all(names.map((name) => isRunning(bed, name)));
  if (anyRuns.includes(true)) await step('Stopping the control plane', () => stopCluster(bed));
  else await stopCluster(bed);
}

/** What stays of a bed that is down: logs to be read, kubectl, and the lock that whoever calls this holds. */
const KEPT = ['logs', 'bin', 'lock'];

async function removeState(bed: Bed): Promise<void> {
  for (const name of await namesIn(bed.dir)) {
    if (!KEPT.includes(name)) await rm(join(bed.dir, name), { recursive: true, force: true });
  }
  await closeBed(bed);
  if (await isThere(bed.dir)) await giveToOwner(bed.owner, bed.dir);
}

/** Groups right below the root of each hierarchy, whichever version of cgroups the machine has. */
async function cgroupNames(): Promise<readonly string[]> {
  const root = '/sys/fs/cgroup';
  const top = await namesIn(root);
  const below = await Promise.all(top.map((name) => namesIn(join(root, name))));
  return [...top, ...below.flat()];
}

async function isThere(path: string): Promise<boolean> {
  return (await namesIn(join(path, '..'))).includes(path.slice(path.lastIndexOf('/') + 1));
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw error;
  }
}

async function linesOf(path: string): Promise<readonly string[]> {
  try {
    return (await readFile(path, 'utf8')).split('\n');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

import { lstat, mkdir, readFile, readdir, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pause } from '../../bed/interrupt.ts';
import { waitFor } from '../../bed/process.ts';

const ROOT = '/sys/fs/cgroup';

/** Controllers of version 2 that libvirt's LXC driver uses. */
const CONTROLLERS = ['cpu', 'cpuset', 'io', 'memory', 'pids'];

/** Files of cpuset (version 1) that a new group must be told before it takes a process. */
const CPUSET_FILES = ['cpuset.cpus', 'cpuset.mems'];

/**
 * Makes a cgroup of that name in each hierarchy, with a leaf `daemon`, since version 2 knows no processes in a group
 * that has groups below it. All of a host lives below its group: what a killed daemon leaves there is found and ended.
 */
export async function makeGroup(name: string): Promise<void> {
  if (await isVersion2()) await delegateControllers();
  for (const hierarchy of await hierarchies()) {
    for (const group of [join(hierarchy, name), join(hierarchy, name, 'daemon')]) {
      await mkdir(group, { recursive: true });
      await inheritCpuset(group);
    }
  }
}

/** Puts a process into the leaf of a group, in each hierarchy. */
export async function joinGroup(name: string, pid: number): Promise<void> {
  for (const hierarchy of await hierarchies()) {
    await writeFile(join(hierarchy, name, 'daemon', 'cgroup.procs'), String(pid));
  }
}

/** Kills every process in a group and below it, by SIGKILL, until none is left; and removes it. Idempotent. */
export async function removeGroup(name: string): Promise<void> {
  const groups = (await hierarchies()).map((hierarchy) => join(hierarchy, name));
  await waitFor(`the processes in cgroup ${name} end`, () => killAll(groups), { timeoutMs: 20_000, intervalMs: 10 });
  for (const group of groups) await removeTree(group);
}

async function killAll(groups: readonly string[]): Promise<boolean> {
  const pids = new Set<number>();
  for (const group of groups) for (const pid of await processesBelow(group)) pids.add(pid);
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
  return pids.size === 0;
}

/** Processes of a group and all below it; none where it does not exist. */
export async function processesBelow(group: string): Promise<readonly number[]> {
  const own = await readFile(join(group, 'cgroup.procs'), 'utf8').catch(emptyIfGone);
  const below = await Promise.all((await subgroups(group)).map(processesBelow));
  return [...own.split('\n').filter(Boolean).map(Number), ...below.flat()];
}

async function removeTree(group: string): Promise<void> {
  for (const below of await subgroups(group)) await removeTree(below);
  // A group is busy for a moment after its last process has ended.
  for (let attempt = 1; ; attempt += 1) {
    try {
      await rmdir(group);
      return;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return;
      if (code !== 'EBUSY' || attempt === 100) throw error;
      await pause(20);
    }
  }
}

async function subgroups(group: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(group, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry) => join(group, entry.name));
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

/** Has version 2 offer its groups what libvirt limits domains by; on a machine that systemd started it does already. */
async function delegateControllers(): Promise<void> {
  const words = async (name: string): Promise<readonly string[]> =>
    (await readFile(join(ROOT, name), 'utf8')).trim().split(' ');
  const offered = await words('cgroup.subtree_control');
  for (const controller of await words('cgroup.controllers')) {
    if (!CONTROLLERS.includes(controller) || offered.includes(controller)) continue;
    await writeFile(join(ROOT, 'cgroup.subtree_control'), `+${controller}`);
  }
}

function isVersion2(): Promise<boolean> {
  return isThere(join(ROOT, 'cgroup.procs'));
}

/** Mount points of the machine's cgroup hierarchies: one of version 2 alone, or those of version 1. */
async function hierarchies(): Promise<readonly string[]> {
  if (await isVersion2()) return [ROOT];
  const entries = await readdir(ROOT, { withFileTypes: true });
  // Links are second names of hierarchies; `unified` is version 2 beside version 1, where libvirt makes no groups.
  return entries.filter((entry) => entry.isDirectory() && entry.name !== 'unified').map(({ name }) => join(ROOT, name));
}

async function inheritCpuset(group: string): Promise<void> {
  for (const name of CPUSET_FILES) {
    const file = join(group, name);
    if (!(await isThere(file)) || (await readFile(file, 'utf8')).trim() !== '') continue;
    const above = (await readFile(join(group, '..', name), 'utf8')).trim();
    if (above !== '') await writeFile(file, above);
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
}

function emptyIfGone(error: unknown): string {
  if (isGone(error)) return '';
  throw error;
}

/** A group that goes while its files are read says ENODEV. */
function isGone(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENODEV';
}

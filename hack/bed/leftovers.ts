import { readFileSync, readdirSync } from 'node:fs';
import type { Bed } from './bed.ts';
import { hasEnded, processIdentity, processStat } from './identity.ts';
import type { ProcessIdentity } from './identity.ts';
import { BED_VARIABLE, endProcess } from './process.ts';
import { run } from './run.ts';

/** What removeLeftovers() found and ended, for people to read. */
export type Leftover = string;

const TIMEOUT = { timeoutMs: 20_000 };

/**
 * The last resort of `make down`, after everything that has a name in the bed was stopped in order: ends processes
 * that carry the bed's id in their environment, and (as root) removes mounts below the bed's folders, and namespaces
 * and links whose names begin with the bed's id. Returns what it found; nothing where the bed was whole.
 */
export async function removeLeftovers(bed: Bed): Promise<readonly Leftover[]> {
  const found: Leftover[] = [];
  for (const { identity, command } of bedProcesses(bed.id)) {
    found.push(`process ${identity.pid} (${command})`);
    await endProcess(identity, { graceMs: 3000 });
  }
  if (process.getuid?.() !== 0) return found;
  for (const path of mountsBelow([bed.runDir, bed.dir])) {
    found.push(`mount ${path}`);
    await run(['umount', '--lazy', path], TIMEOUT);
  }
  for (const name of namespacesOf(bed.id)) {
    found.push(`network namespace ${name}`);
    await run(['ip', 'netns', 'delete', name], TIMEOUT);
  }
  for (const name of linksOf(bed.id)) {
    found.push(`link ${name}`);
    await run(['ip', 'link', 'delete', name], TIMEOUT);
  }
  return found;
}

/** Running processes that a bed started, but for this one, those that it runs under, and those that it runs. */
export function bedProcesses(id: string): readonly { readonly identity: ProcessIdentity; readonly command: string }[] {
  const above = lineage(process.pid);
  const marker = `${BED_VARIABLE}=${id}`;
  const found = [];
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || above.includes(pid)) continue;
    const environment = readProc(pid, 'environ');
    const stat = processStat(pid);
    if (stat === undefined || hasEnded(stat) || environment === undefined) continue;
    if (!environment.split('\0').includes(marker) || lineage(pid).includes(process.pid)) continue;
    const command = (readProc(pid, 'cmdline') ?? '').replaceAll('\0', ' ').trim();
    found.push({ identity: processIdentity(pid), command: command.slice(0, 80) });
  }
  return found;
}

/** Mount points at and below folders, innermost first. */
export function mountsBelow(folders: readonly string[]): readonly string[] {
  const points = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => (line.split(' ')[4] ?? '').replaceAll('\\040', ' '));
  const below = points.filter((path) => folders.some((folder) => path === folder || path.startsWith(`${folder}/`)));
  return below.sort((a, b) => b.length - a.length);
}

function namespacesOf(id: string): readonly string[] {
  return namesIn('/run/netns').filter((name) => name.startsWith(`hatchery-${id}-`));
}

function linksOf(id: string): readonly string[] {
  return namesIn('/sys/class/net').filter((name) => name.startsWith(`h${id}`));
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** A process and all that it runs under. */
function lineage(pid: number): readonly number[] {
  const found: number[] = [];
  for (let at = pid; at > 0 && !found.includes(at); at = processStat(at)?.parent ?? 0) found.push(at);
  return found;
}

/** A file of /proc/PID; undefined where the process is gone or another user's. */
function readProc(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH' || code === 'EACCES' || code === 'EPERM') return undefined;
    throw error;
  }
}

import { readFileSync } from 'node:fs';

/** What tells a process from a later one that got the same number. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Start time in clock ticks since boot, field 22 of /proc/PID/stat. */
  readonly startTicks: string;
  /** The kernel's boot_id: ticks of two boots cannot be compared. */
  readonly boot: string;
}

/** What /proc/PID/stat says of a process. */
export interface ProcessStat {
  /** One letter: R, S, D, Z (ended, not yet reaped) and so on. */
  readonly state: string;
  readonly parent: number;
  readonly threads: number;
  readonly startTicks: string;
}

/** Parses /proc/PID/stat. The command name, in parentheses, may itself hold spaces and parentheses. */
export function parseStat(content: string): ProcessStat {
  const fields = content.slice(content.lastIndexOf(')') + 2).split(' ');
  const [state, parent] = fields;
  const startTicks = fields[19];
  if (state === undefined || startTicks === undefined) throw new Error(`/proc/PID/stat: cannot read "${content}"`);
  return { state, parent: Number(parent), threads: Number(fields[17]), startTicks };
}

/**
 * Whether a process has ended and waits for its parent alone. One that is killed is Z as soon as its first thread is
 * gone, and holds its ports and files until the last one is.
 */
export function hasEnded(stat: ProcessStat): boolean {
  return stat.state === 'Z' && stat.threads <= 1;
}

/** The state of a process, or undefined where there is none of that number. */
export function processStat(pid: number): ProcessStat | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}

/** The identity of a running process. */
export function processIdentity(pid: number): ProcessIdentity {
  const stat = processStat(pid);
  if (stat === undefined) throw new Error(`process ${pid} is gone`);
  return { pid, startTicks: stat.startTicks, boot: bootId() };
}

/** Whether that very process still runs; one that ended and waits for its parent does not. */
export function isSameProcess(identity: ProcessIdentity): boolean {
  const stat = processStat(identity.pid);
  return stat !== undefined && !hasEnded(stat) && stat.startTicks === identity.startTicks && identity.boot === bootId();
}

/** Seconds since a process started. */
export function processAgeSeconds(identity: ProcessIdentity): number {
  const uptime = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
  // USER_HZ is 100 on every architecture that Linux shows /proc/PID/stat of to user space.
  return Math.max(0, uptime - Number(identity.startTicks) / 100);
}

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

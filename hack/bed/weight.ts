import { writeFile } from 'node:fs/promises';
import { setPriority } from 'node:os';
import { getSystemErrorName } from 'node:util';

/** CPU request, in millicores, of a program whose session has the nice value 0. */
const ORDINARY = 100;

/**
 * The nice value with which a session is to the ordinary ones what a Pod with this CPU request (millicores) is to those that
 * request 100m: the kernel weighs cgroups by their requests, and each step of nice by 1.25 (sched_prio_to_weight).
 */
export function niceOf(cpuRequest: number): number {
  // Not -0.
  return 0 - Math.round(Math.log(cpuRequest / ORDINARY) / Math.log(1.25));
}

/** Not allowed to us, or too often for the kernel; or there are no such groups, or the process is gone. */
const REFUSALS: readonly string[] = ['EACCES', 'EPERM', 'EAGAIN', 'ENOENT', 'ESRCH'];

/**
 * Gives a process that leads a session of its own a nice value among all of the machine; where that cannot be it stays as it
 * was. Where the kernel groups processes by session (autogroups, sched(7)) a nice value counts within that session alone,
 * and the session has one of its own.
 */
export async function weighSession(pid: number, nice: number): Promise<void> {
  try {
    setPriority(pid, nice);
    await writeFile(`/proc/${pid}/autogroup`, String(nice));
  } catch (error) {
    const { errno } = error as NodeJS.ErrnoException;
    if (errno === undefined || !REFUSALS.includes(getSystemErrorName(errno))) throw error;
  }
}

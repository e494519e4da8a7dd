import { readFileSync } from 'node:fs';

/** What a process has taken so far. */
export interface Usage {
  /** User and system time, seconds. */
  readonly cpuSeconds: number;
  /** Largest resident set so far, MiB. */
  readonly peakMiB: number;
}

/** Reads /proc/PID/stat (fields 14 and 15, in USER_HZ of 100) and VmHWM of /proc/PID/status. */
export function usageOf(pid: number): Usage {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[11]) + Number(fields[12]);
  const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return { cpuSeconds: ticks / 100, peakMiB: Number(peak?.[1] ?? Number.NaN) / 1024 };
}

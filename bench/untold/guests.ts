import { readdirSync, readFileSync } from 'node:fs';

/** A guest's init, as the machine's own /proc knows it. Times are milliseconds of performance.now(). */
export interface GuestProcess {
  readonly uuid: string;
  readonly pid: number;
  readonly seenAt: number;
  /** When it was first seen to have ended: a zombie, or gone. */
  endedAt: number | undefined;
}

/** What a watch over the guests' processes has seen, by the domain's UUID. */
export interface GuestWatch {
  readonly guests: ReadonlyMap<string, GuestProcess>;
  /** The longest time between two looks, milliseconds: no end is known more exactly. */
  readonly longestGapMs: () => number;
  stop(): void;
}

const LOOK_MS = 20;

/**
 * Follows each LXC guest's init from its start to its end by /proc alone, so that neither libvirtd nor Hatchery has a part
 * in it. An init is known by the variable LIBVIRT_LXC_UUID that libvirt_lxc gives it, and lives in a pid namespace of its own.
 */
export function watchGuests(): GuestWatch {
  const guests = new Map<string, GuestProcess>();
  /** Processes that are no guest's. */
  let others = new Set<string>();
  let lookedAt = performance.now();
  let longestGapMs = 0;
  const look = (): void => {
    const now = performance.now();
    longestGapMs = Math.max(longestGapMs, now - lookedAt);
    lookedAt = now;
    for (const guest of guests.values()) {
      if (guest.endedAt === undefined && hasEnded(guest.pid)) guest.endedAt = now;
    }
    const known = new Set(Array.from(guests.values(), ({ pid }) => String(pid)));
    const pids = readdirSync('/proc').filter((entry) => /^[0-9]+$/.test(entry));
    const left = new Set<string>();
    for (const pid of pids) {
      if (known.has(pid)) continue;
      const isOther = others.has(pid) || !isInOwnNamespace(pid);
      const uuid = isOther ? undefined : uuidOf(pid);
      // Without a UUID: it has not become the guest's program yet, or never will.
      if (isOther) left.add(pid);
      else if (uuid !== undefined && !guests.has(uuid)) {
        guests.set(uuid, { uuid, pid: Number(pid), seenAt: now, endedAt: undefined });
      }
    }
    others = left;
  };
  look();
  const timer = setInterval(look, LOOK_MS);
  return { guests, longestGapMs: () => longestGapMs, stop: () => clearInterval(timer) };
}

/** Whether a process is the first of a pid namespace below ours. */
function isInOwnNamespace(pid: string): boolean {
  const numbers = /^NSpid:\s+(.*)$/m.exec(readProc(pid, 'status') ?? '')?.[1]?.split(/\s+/) ?? [];
  return numbers.length > 1 && numbers.at(-1) === '1';
}

function uuidOf(pid: string): string | undefined {
  return /(?:^|\0)LIBVIRT_LXC_UUID=([0-9a-f-]{36})/.exec(readProc(pid, 'environ') ?? '')?.[1];
}

function hasEnded(pid: number): boolean {
  const stat = readProc(String(pid), 'stat');
  if (stat === undefined) return true;
  return ['Z', 'X'].includes(stat.charAt(stat.lastIndexOf(')') + 2));
}

/** undefined where the process is gone. */
function readProc(pid: string, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}

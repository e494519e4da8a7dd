import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** A TCP connection of a process, listeners left out. */
export interface Connection {
  readonly localPort: number;
  readonly remotePort: number;
}

const LISTEN = '0A';

/** The open TCP connections of a process, by its descriptors: /proc/PID/fd joined with its /proc/PID/net/tcp and tcp6. */
export function connectionsOf(pid: number): readonly Connection[] {
  const inodes = new Set(socketInodes(pid));
  return ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, 'utf8')
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[3] !== LISTEN && inodes.has(fields[9] ?? ''))
      .map((fields) => ({ localPort: portOf(fields[1]), remotePort: portOf(fields[2]) })),
  );
}

function socketInodes(pid: number): readonly string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
    } catch (error) {
      // Closed since the folder was read.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  });
}

/** As the kernel writes it: ADDRESS:PORT in hexadecimal digits. */
function portOf(end: string | undefined): number {
  return Number.parseInt(end?.split(':').at(-1) ?? '', 16);
}

import { randomInt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Bed } from '../bed/bed.ts';
import { makeOwnedFolder, writeOwnedFile } from '../bed/owner.ts';

/** Ports from here up to where the kernel's own choices begin. */
const LOWEST_PORT = 20_000;
const TRIES = 100;

/**
 * A port of 127.0.0.1 that nobody listens on just now. Not one of those that the kernel gives to outgoing connections:
 * while a server is down its port could be taken by a client, even by one that tries to reach that very server.
 */
export async function freePort(): Promise<number> {
  const range = await readFile('/proc/sys/net/ipv4/ip_local_port_range', 'utf8');
  const end = Math.max(Number(range.trim().split(/\s+/)[0]), LOWEST_PORT + 1000);
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const port = randomInt(LOWEST_PORT, end);
    if (await isFree(port)) return port;
  }
  throw new Error(`no port from ${LOWEST_PORT} to ${end - 1} of 127.0.0.1 was free in ${TRIES} tries`);
}

/** Whether a port of 127.0.0.1 can be listened on. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    // Whoever has waited for that port to be served is let go at once: close() waits for all connections to end.
    const server = createServer((socket) => socket.destroy());
    server.once('error', () => {
      resolve(false);
    });
    server.listen(port, '127.0.0.1', () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}

/** Which port a process should have. */
export interface PortWish {
  /** This one or none. */
  readonly wanted?: number | undefined;
  /** This one where it is free and no other was given before. */
  readonly preferred?: number;
}

/** The port that somebody asked for cannot be had. */
export class PortTakenError extends Error {
  constructor(name: string, port: number) {
    super(`${name}: port ${port} of 127.0.0.1 is taken: end what listens there, or choose another as PORT`);
    this.name = 'PortTakenError';
  }
}

/**
 * The port that a process of the bed listens on, the same one each time it is started, so that what others were told
 * stays true; another one only where somebody else took it meanwhile. Call it before the process is started.
 */
export async function portFor(bed: Bed, name: string, wish: PortWish = {}): Promise<number> {
  const { wanted, preferred } = wish;
  const known = wanted ?? (await recordedPort(bed, name)) ?? preferred;
  const port = known !== undefined && (await isFree(known)) ? known : await freePort();
  if (wanted !== undefined && port !== wanted) throw new PortTakenError(name, wanted);
  await makeOwnedFolder(bed.owner, join(bed.dir, 'cluster'));
  await writeOwnedFile(bed.owner, portPath(bed, name), `${port}\n`);
  return port;
}

/** The port that portFor() gave last; undefined where it gave none. */
export async function recordedPort(bed: Bed, name: string): Promise<number | undefined> {
  try {
    const port = Number(await readFile(portPath(bed, name), 'utf8'));
    return Number.isInteger(port) && port > 0 ? port : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function portPath(bed: Bed, name: string): string {
  return join(bed.dir, 'cluster', `${name}.port`);
}

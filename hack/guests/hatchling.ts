import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bed } from '../bed/bed.ts';
import { cached } from '../bed/cache.ts';
import { run } from '../bed/run.ts';
import { step } from '../bed/step.ts';
import { makeCpio } from './cpio.ts';
import type { CpioEntry } from './cpio.ts';

/** Debian packages that building the guest program needs. */
export const packages: readonly string[] = ['gcc', 'libc6-dev'];

/** The guest program, ready to be put on a host. */
export interface Hatchling {
  /** Path of the static executable: what an LXC domain runs as its init, and the /init of a Xen guest. */
  readonly executable: string;
}

const SOURCE = join(import.meta.dirname, 'hatchling');
const FILES = [
  'hatchling.h',
  'hatchling.c',
  'options.c',
  'say.c',
  'machine.c',
  'network.c',
  'exit.c',
  'http.c',
  'body.c',
  'answers.c',
  'websocket.c',
  'disks.c',
  'page.c',
];
const FLAGS = [
  '-std=gnu11',
  '-Os',
  '-static',
  '-s',
  '-Wall',
  '-Wextra',
  '-Werror',
  '-Wformat=2',
  '-Wshadow',
  '-Wconversion',
  '-D_GNU_SOURCE',
  '-D_FORTIFY_SOURCE=2',
  '-fstack-protector-strong',
  '-ffunction-sections',
  '-fdata-sections',
  '-Wl,--gc-sections',
];

/** Builds the guest program, once for each state of its source. */
export async function buildHatchling(bed: Pick<Bed, 'cacheDir' | 'owner'>): Promise<Hatchling> {
  const sources = await Promise.all(FILES.map((name) => readFile(join(SOURCE, name))));
  const folder = await cached(bed, {
    name: 'hatchling',
    inputs: [process.arch, ...FLAGS, ...FILES, ...sources],
    build: async (into) => {
      const units = FILES.filter((name) => name.endsWith('.c'));
      const argv = ['gcc', ...FLAGS, '-o', join(into, 'hatchling'), ...units.map((name) => join(SOURCE, name))];
      await step('Building the guest hatchling', () => run(argv, { timeoutMs: 120_000 }));
    },
  });
  return { executable: join(folder, 'hatchling') };
}

/**
 * The initial RAM file system of a Xen guest: the program as /init and, under the names that the kernel calls when the
 * host asks for a shutdown, as /sbin/poweroff and /sbin/reboot; the console's node; and, if given, the drivers of
 * interfaces and disks and the prober.
 */
export function makeInitrd(parts: {
  readonly init: Buffer;
  readonly netfront?: Buffer;
  readonly blkfront?: Buffer;
  readonly prober?: Buffer;
}): Buffer {
  const entries: CpioEntry[] = [
    ...['dev', 'proc', 'sys', 'sbin'].map((path) => ({ kind: 'directory', path, mode: 0o755 }) as const),
    { kind: 'character-device', path: 'dev/console', mode: 0o600, major: 5, minor: 1 },
    { kind: 'file', path: 'init', mode: 0o755, content: parts.init },
    { kind: 'link', path: 'sbin/poweroff', target: '/init' },
    { kind: 'link', path: 'sbin/reboot', target: '/init' },
  ];
  for (const driver of ['netfront', 'blkfront'] as const) {
    const content = parts[driver];
    if (content !== undefined) entries.push({ kind: 'file', path: `xen-${driver}.ko`, mode: 0o644, content });
  }
  if (parts.prober !== undefined) entries.push({ kind: 'file', path: 'prober', mode: 0o755, content: parts.prober });
  return makeCpio(entries);
}

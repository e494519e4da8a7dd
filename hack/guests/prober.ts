import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bed } from '../bed/bed.ts';
import { cached } from '../bed/cache.ts';
import { run } from '../bed/run.ts';
import { step } from '../bed/step.ts';

const SOURCE = join(import.meta.dirname, 'prober', 'prober.c');
const FLAGS = ['-std=gnu11', '-Os', '-static', '-s', '-Wall', '-Wextra', '-Werror', '-D_GNU_SOURCE'];

/** Builds the program that sends and hears single frames (packages: those of the hatchling); returns its path. */
export async function buildProber(bed: Pick<Bed, 'cacheDir' | 'owner'>): Promise<string> {
  const folder = await cached(bed, {
    name: 'prober',
    inputs: [process.arch, ...FLAGS, await readFile(SOURCE)],
    build: async (into) => {
      const argv = ['gcc', ...FLAGS, '-o', join(into, 'prober'), SOURCE];
      await step('Building the prober', () => run(argv, { timeoutMs: 120_000 }));
    },
  });
  return join(folder, 'prober');
}

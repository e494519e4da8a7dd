import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bed } from '../../bed/bed.ts';

/** Whose logs tell why a domain did not come to its end. */
const SPEAKERS = ['controller', 'ingress'];
const LINES = 12;

/** The last warnings and errors of Hatchery's processes, for whoever sees the demo fail: its logs go with its bed. */
export async function lastWords({ dir }: Pick<Bed, 'dir'>): Promise<string> {
  const told = await Promise.all(SPEAKERS.map(async (name) => [name, await warningsOf(dir, name)] as const));
  return told
    .map(([name, lines]) => [`${name}, last warnings:`, ...(lines.length > 0 ? lines : ['none'])].join('\n    '))
    .join('\n');
}

async function warningsOf(dir: string, name: string): Promise<readonly string[]> {
  const text = await readFile(join(dir, 'logs', `${name}.log`), 'utf8').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  });
  return text.split('\n').filter(isWarning).slice(-LINES);
}

function isWarning(line: string): boolean {
  return line.includes('"level":"warn"') || line.includes('"level":"error"');
}

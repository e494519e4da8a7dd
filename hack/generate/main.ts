/**
 * Makes what stands in crds/ and nowhere else: the TypeScript types of controller/api/*.gen.ts, and the copy of an
 * EphemeralDomain's spec in the template's CRD. And docs/http-table.md: what comes of each request of a table of cases.
 *
 *   node hack/generate/main.ts           writes what has changed
 *   node hack/generate/main.ts --check   writes nothing; fails when a file is stale
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { HTTP_TABLE, httpTable } from '../docs/http-table.ts';
import { generated } from './generate.ts';

const ROOT = join(import.meta.dirname, '..', '..');

const readOrEmpty = async (path: string): Promise<string> => {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw error;
  }
};

const main = async (args: readonly string[]): Promise<number> => {
  const unknown = args.find((arg) => arg !== '--check');
  if (unknown !== undefined) {
    console.error(`generate: ${unknown} is no option; there is only --check`);
    return 2;
  }
  let stale = 0;
  const made = [...(await generated(ROOT)), { path: HTTP_TABLE, text: await httpTable() }];
  for (const { path, text } of made) {
    if ((await readOrEmpty(join(ROOT, path))) === text) continue;
    stale += 1;
    if (args.includes('--check')) {
      console.error(`${path} is stale: run node hack/generate/main.ts and commit what it writes`);
    } else {
      await writeFile(join(ROOT, path), text);
      console.log(`wrote ${path}`);
    }
  }
  return args.includes('--check') && stale > 0 ? 1 : 0;
};

process.exitCode = await main(process.argv.slice(2));

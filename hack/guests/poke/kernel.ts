import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../bed/run.ts';

const SOURCE = import.meta.dirname;
const STEP = { timeoutMs: 30_000 };

/** The module that the controller has the kernel in; nothing is built where it runs. */
export const MODULE = join(SOURCE, '../../../controller/lifecycle/poke-kernel.ts');

/** Assembles the poke kernel (poke.S); the same tools make the same bytes. */
export async function buildPokeKernel(): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'hatchery-poke-'));
  try {
    const object = join(folder, 'poke.o');
    const kernel = join(folder, 'poke');
    await run(['gcc', '-c', '-o', object, join(SOURCE, 'poke.S')], STEP);
    const layout = ['-z', 'max-page-size=16', '--build-id=none', '-T', join(SOURCE, 'poke.ld')];
    await run(['ld', '-nostdlib', '-static', '--strip-all', ...layout, '-o', kernel, object], STEP);
    return await readFile(kernel);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Text of the module that holds the kernel. */
export function pokeModule(kernel: Buffer): string {
  const lines = kernel.toString('base64').match(/.{1,100}/g) ?? [];
  const literal = lines.map((line) => `'${line}'`).join(' +\n    ');
  return `/**
 * The poke's kernel: an ELF file of ${kernel.length} bytes that Xen starts as a PV domain and that powers its domain off at
 * once. Its source is hack/guests/poke/poke.S; \`node hack/guests/poke/generate.ts\` makes this module.
 */
export const POKE_KERNEL: Buffer = Buffer.from(
  ${literal},
  'base64',
);
`;
}

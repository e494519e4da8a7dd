import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { POKE_KERNEL } from '#controller/lifecycle/poke-kernel.ts';
import { buildPokeKernel, MODULE, pokeModule } from './kernel.ts';

describe('poke kernel', () => {
  it('is an ELF file for x86-64 that is told to be a Xen kernel', () => {
    assert.equal(POKE_KERNEL.toString('latin1', 0, 4), '\x7fELF');
    assert.equal(POKE_KERNEL.readUInt16LE(18), 62);
    assert.ok(POKE_KERNEL.includes('xen-3.0\0'));
  });

  it('fits in one page', () => {
    assert.ok(POKE_KERNEL.length < 4096, `${POKE_KERNEL.length} bytes`);
  });

  it('is what its source makes', async () => {
    const rebuilt = await buildPokeKernel();
    assert.deepEqual(rebuilt, POKE_KERNEL);
    assert.equal(await readFile(MODULE, 'utf8'), pokeModule(rebuilt));
  });
});

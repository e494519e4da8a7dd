import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BLOCKS, giveBlock, heldBlock, takeBlock } from './block.ts';

describe('the registry of address blocks', () => {
  let folder: string;
  let registry: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hatchery-block-'));
    registry = join(folder, 'registry');
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const bed = (name: string, block = 3): { dir: string; runDir: string; block: number } => ({
    dir: join(folder, name),
    runDir: join(folder, `${name}-run`),
    block,
  });

  /** A claim by a program that is gone. */
  const claimDead = async (block: number, name: string): Promise<void> => {
    await mkdir(registry, { recursive: true });
    const { dir, runDir } = bed(name);
    const claimant = { pid: 1, startTicks: '0', boot: 'another boot' };
    await writeFile(join(registry, String(block)), JSON.stringify({ dir, runDir, claimant }));
  };

  it('gives a bed the block it prefers, and the same again', async () => {
    assert.equal(await takeBlock(bed('a'), registry), 3);
    assert.equal(await takeBlock(bed('a', 9), registry), 3);
  });

  it('gives another bed the next one, and goes round at the end', async () => {
    assert.equal(await takeBlock(bed('a', 15), registry), 15);
    assert.equal(await takeBlock(bed('b', 15), registry), 0);
  });

  it('names the bed that holds a block', async () => {
    await takeBlock(bed('a'), registry);
    const claim = JSON.parse(await readFile(join(registry, '3'), 'utf8')) as { dir: string };
    assert.equal(claim.dir, bed('a').dir);
    assert.equal(await heldBlock(bed('a').dir, registry), 3);
    assert.equal(await heldBlock(bed('b').dir, registry), undefined);
  });

  it('takes a block back, of that bed alone', async () => {
    await takeBlock(bed('a'), registry);
    await takeBlock(bed('b'), registry);
    await giveBlock(bed('a'), registry);
    assert.equal(await heldBlock(bed('a').dir, registry), undefined);
    assert.equal(await heldBlock(bed('b').dir, registry), 4);
  });

  it('reclaims the block of a bed that is gone', async () => {
    await claimDead(3, 'gone');
    assert.equal(await takeBlock(bed('a'), registry), 3);
  });

  it('leaves the block of a bed whose folder in /run still holds something', async () => {
    await claimDead(3, 'half');
    await mkdir(join(bed('half').runDir, 'xen-1'), { recursive: true });
    assert.equal(await takeBlock(bed('a'), registry), 4);
  });

  it('says who holds them where all are taken', async () => {
    for (let block = 0; block < BLOCKS; block += 1) await takeBlock(bed(`bed-${block}`, block), registry);
    await assert.rejects(takeBlock(bed('one-more'), registry), /all 16 address ranges.*make down.*bed-7/);
  });

  it('gives beds that ask at the same time different blocks', async () => {
    const blocks = await Promise.all(['a', 'b', 'c'].map((name) => takeBlock(bed(name), registry)));
    assert.equal(new Set(blocks).size, 3);
  });
});

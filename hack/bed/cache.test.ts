import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { cached, hashInputs } from './cache.ts';
import type { CacheEntry } from './cache.ts';

describe('cached', () => {
  let cacheDir: string;
  let builds: number;
  const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  beforeEach(async () => {
    cacheDir = await mkdtemp(join(tmpdir(), 'hatchery-cache-'));
    builds = 0;
  });
  afterEach(() => rm(cacheDir, { recursive: true, force: true }));

  const entry = (change: Partial<CacheEntry> = {}): CacheEntry => ({
    name: 'thing',
    inputs: ['v1'],
    build: async (folder) => {
      builds += 1;
      await writeFile(join(folder, 'made'), `build ${builds}`);
    },
    ...change,
  });

  it('builds once for the same inputs', async () => {
    const first = await cached({ cacheDir, owner }, entry());
    const second = await cached({ cacheDir, owner }, entry());
    assert.equal(first, second);
    assert.equal(await readFile(join(first, 'made'), 'utf8'), 'build 1');
    assert.equal(builds, 1);
  });

  it('builds anew for other inputs', async () => {
    const first = await cached({ cacheDir, owner }, entry());
    const second = await cached({ cacheDir, owner }, entry({ inputs: ['v2'] }));
    assert.notEqual(first, second);
  });

  it('builds once where several ask at the same time', async () => {
    const folders = await Promise.all([1, 2, 3].map(() => cached({ cacheDir, owner }, entry())));
    assert.equal(new Set(folders).size, 1);
    assert.equal(builds, 1);
  });

  it('keeps nothing of a build that fails, and builds again', async () => {
    const failing = entry({
      build: async (folder) => {
        await writeFile(join(folder, 'half'), '');
        throw new Error('no space');
      },
    });
    await assert.rejects(cached({ cacheDir, owner }, failing), /no space/);
    const folder = await cached({ cacheDir, owner }, entry());
    assert.deepEqual(await readdir(folder), ['made']);
  });

  it('never uses what a builder that was killed left, and removes it', async () => {
    const name = `thing-${hashInputs(['v1'])}.half-0badcafe`;
    await mkdir(join(cacheDir, name));
    await writeFile(join(cacheDir, name, 'made'), 'half');
    const folder = await cached({ cacheDir, owner }, entry());
    assert.equal(await readFile(join(folder, 'made'), 'utf8'), 'build 1');
    assert.ok(!(await readdir(cacheDir)).includes(name));
  });
});

describe('hashInputs', () => {
  it('tells lists apart that join to the same text', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), fc.array(fc.string()), (a, b) => {
        const same = JSON.stringify(a) === JSON.stringify(b);
        assert.equal(hashInputs(a) === hashInputs(b), same);
      }),
    );
    assert.notEqual(hashInputs(['ab', 'c']), hashInputs(['a', 'bc']));
  });
});

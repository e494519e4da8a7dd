import { createHash, randomBytes } from 'node:crypto';
import { readdir, rename, rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { isThere } from './files.ts';
import type { Bed } from './bed.ts';
import { withLock } from './lock.ts';
import { giveToOwner, makeOwnedFolder, writeOwnedFile } from './owner.ts';

/** Something that is built once and used by every checkout. */
export interface CacheEntry {
  /** What it is: letters, digits and hyphens. */
  readonly name: string;
  /** All that the result depends on: sources, versions, flags. */
  readonly inputs: readonly (string | Buffer)[];
  /** Builds it into an empty folder. */
  readonly build: (folder: string) => Promise<void>;
  /** How long to wait while another program builds the same; 30 minutes unless said. */
  readonly lockTimeoutMs?: number;
}

/**
 * The folder CACHE/NAME-HASH with what `build` made of exactly these inputs. It is built beside and renamed, under a
 * lock, so a half-built one is never used, and two programs never build the same at once. Treat it as read-only.
 */
export async function cached(bed: Pick<Bed, 'cacheDir' | 'owner'>, entry: CacheEntry): Promise<string> {
  const folder = join(bed.cacheDir, `${entry.name}-${hashInputs(entry.inputs)}`);
  if (await isThere(folder)) {
    await touch(folder);
    return folder;
  }
  await makeOwnedFolder(bed.owner, bed.cacheDir);
  const options = {
    timeoutMs: entry.lockTimeoutMs ?? 1_800_000,
    onWait: () => console.log(`  ${entry.name}: another program builds it; waiting for that`),
  };
  const lock = join(bed.cacheDir, `${entry.name}.lock`);
  // Left to flock, it would be root's in the cache of another user whom root works for.
  if (!(await isThere(lock))) await writeOwnedFile(bed.owner, lock, '');
  await withLock(lock, options, async () => {
    if (await isThere(folder)) return;
    await removeHalfBuilt(bed.cacheDir, entry.name);
    const fresh = `${folder}.half-${randomBytes(4).toString('hex')}`;
    await makeOwnedFolder(bed.owner, fresh);
    try {
      await entry.build(fresh);
      await giveToOwner(bed.owner, fresh);
      await rename(fresh, folder);
    } finally {
      await rm(fresh, { recursive: true, force: true });
    }
  });
  return folder;
}

/** A name for what is made of these inputs; each is counted with its length, so that none can pose as two. */
export function hashInputs(inputs: readonly (string | Buffer)[]): string {
  const hash = createHash('sha256');
  for (const input of inputs) {
    const bytes = Buffer.from(input);
    hash.update(`${bytes.length}:`).update(bytes);
  }
  return hash.digest('hex').slice(0, 16);
}

/** What a builder that was killed left; the caller holds the lock, so nobody is at work on it. */
async function removeHalfBuilt(cacheDir: string, name: string): Promise<void> {
  const pattern = new RegExp(`^${name}-[0-9a-f]{16}\\.half-`);
  for (const entry of await readdir(cacheDir)) {
    if (pattern.test(entry)) await rm(join(cacheDir, entry), { recursive: true, force: true });
  }
}

/** Marks an entry as used now, for whoever clears old ones out by age; a cache that is only readable stays as it is. */
async function touch(folder: string): Promise<void> {
  try {
    await utimes(folder, new Date(), new Date());
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EPERM' && code !== 'EROFS' && code !== 'EACCES') throw error;
  }
}

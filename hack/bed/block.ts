import { mkdir, readFile, readdir, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bed } from './bed.ts';
import { withLock } from './lock.ts';
import { isSameProcess, processIdentity } from './identity.ts';
import type { ProcessIdentity } from './identity.ts';

/** Number of blocks: 198.18.0.0/16 in parts of /20. */
export const BLOCKS = 16;

/** Who holds a block, as its file says. */
interface Claim {
  /** The bed's state folder. */
  readonly dir: string;
  readonly runDir: string;
  /** The program that took it. */
  readonly claimant: ProcessIdentity;
}

/** Which blocks are taken lies here, one file each; /run is empty after a boot, and so are the claims. */
const REGISTRY = '/run/hatchery';

type NamedBed = Pick<Bed, 'dir' | 'runDir' | 'block'>;

/** Takes a block for a bed: the one that it has, or its preferred one, or the next that is free. */
export async function takeBlock(bed: NamedBed, registry = REGISTRY): Promise<number> {
  return locked(registry, async () => {
    const claims = await readClaims(registry);
    const own = [...claims].find(([, claim]) => claim.dir === bed.dir);
    if (own !== undefined) return own[0];
    const candidates = Array.from({ length: BLOCKS }, (_, offset) => (bed.block + offset) % BLOCKS);
    for (const block of candidates) {
      const claim = claims.get(block);
      if (claim !== undefined && !(await isAbandoned(claim))) continue;
      await writeClaim(registry, block, { dir: bed.dir, runDir: bed.runDir, claimant: processIdentity(process.pid) });
      return block;
    }
    const holders = [...claims.values()].map((claim) => claim.dir).join(', ');
    throw new Error(`all ${BLOCKS} address ranges for test beds are taken; run "make down" in one of: ${holders}`);
  });
}

/** The block that a bed holds, for those who only look; undefined where it holds none. */
export async function heldBlock(dir: string, registry = REGISTRY): Promise<number | undefined> {
  return [...(await readClaims(registry))].find(([, claim]) => claim.dir === dir)?.[0];
}

/** Gives a bed's block back; no effect where it has none. */
export async function giveBlock(bed: NamedBed, registry = REGISTRY): Promise<void> {
  await locked(registry, async () => {
    for (const [block, claim] of await readClaims(registry)) {
      if (claim.dir === bed.dir) await rm(join(registry, String(block)), { force: true });
    }
  });
}

async function locked<T>(registry: string, work: () => Promise<T>): Promise<T> {
  await mkdir(registry, { recursive: true });
  return withLock(join(registry, 'lock'), { timeoutMs: 10_000 }, work);
}

async function readClaims(registry: string): Promise<ReadonlyMap<number, Claim>> {
  const claims = new Map<number, Claim>();
  for (const name of await namesIn(registry)) {
    if (!/^\d+$/.test(name)) continue;
    const claim = await readClaim(join(registry, name));
    if (claim !== undefined) claims.set(Number(name), claim);
  }
  return claims;
}

/** undefined where it was given back since its name was read. */
async function readClaim(path: string): Promise<Claim | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Claim;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function writeClaim(registry: string, block: number, claim: Claim): Promise<void> {
  const path = join(registry, String(block));
  await writeFile(`${path}.new`, `${JSON.stringify(claim)}\n`);
  await rename(`${path}.new`, path);
}

/** A bed is gone where nobody opens it, none of its processes runs, and nothing is in its folder in /run. */
async function isAbandoned(claim: Claim): Promise<boolean> {
  if (isSameProcess(claim.claimant)) return false;
  for (const name of await namesIn(join(claim.dir, 'run'))) {
    if (!name.endsWith('.identity')) continue;
    const identity = JSON.parse(await readFile(join(claim.dir, 'run', name), 'utf8')) as ProcessIdentity;
    if (isSameProcess(identity)) return false;
  }
  if ((await namesIn(claim.runDir)).length > 0) return false;
  await rmdir(claim.runDir).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  });
  return true;
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

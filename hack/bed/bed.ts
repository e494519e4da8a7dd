import { createHash } from 'node:crypto';
import { chmod, mkdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { giveBlock, heldBlock, takeBlock } from './block.ts';
import { actsForAnother, makeOwnedFolder, passwdEntry } from './owner.ts';
import type { Owner } from './owner.ts';

export type { Owner } from './owner.ts';

/** One test bed: a control plane, hosts and a controller, with all their state under one folder. */
export interface Bed {
  /** The checkout. */
  readonly root: string;
  /** State folder, absolute: ROOT/.hatchery, or another one for tests. */
  readonly dir: string;
  /** Six hex digits of the sha256 of `dir`: stands in each name of a link, namespace, cgroup and /run folder. */
  readonly id: string;
  /** Folder for sockets (their paths must be short), mode 0755; closeBed() removes it. */
  readonly runDir: string;
  /** What is built once for all checkouts of a user. */
  readonly cacheDir: string;
  /** Owner of the checkout: the unprivileged processes run as this user, and all files under `dir` belong to it. */
  readonly owner: Owner;
  /** 0..15: this bed's addresses are 198.18.(16 * block).0/20. */
  readonly block: number;
}

/** Addresses of one host of a bed; see hostNetwork(). */
export interface HostNetwork {
  /** 198.18.N.0/24, of which all below is a part. */
  readonly prefix: string;
  /** The machine's own end of the link to the host, on a /30. */
  readonly rootAddress: string;
  /** The host's end of that link. */
  readonly hostAddress: string;
  /** A range for a management network behind that link, where a host has one. */
  readonly managementCIDR: string;
  /** Range of the guests' addresses. */
  readonly domainCIDR: string;
  /** The host's own address on the guests' bridge. */
  readonly gateway: string;
}

/** What openBed() is told; by default the checkout that this file is in, with its folder .hatchery. */
export interface BedOptions {
  readonly root?: string;
  readonly dir?: string;
}

const CHECKOUT = resolve(import.meta.dirname, '../..');

/** Highest index that hostNetwork() takes: a block has 16 prefixes, and the first and the last stay free. */
export const MAX_HOST_INDEX = 14;

/** Makes a bed's folders, and takes its range of addresses where it has none yet (only root does: hosts need root). */
export async function openBed(options: BedOptions = {}): Promise<Bed> {
  const named = await describeBed(options);
  for (const folder of ['.', 'logs', 'run', 'bin']) {
    await makeOwnedFolder(named.owner, join(named.dir, folder));
  }
  if (process.getuid?.() !== 0) {
    await mkdir(named.runDir, { recursive: true, mode: 0o755 });
    return named;
  }
  const block = await takeBlock(named);
  await mkdir(named.runDir, { recursive: true });
  await chmod(named.runDir, 0o755);
  return { ...named, block };
}

/** Says which bed a folder stands for, and changes nothing: for those who only look, or clean up. */
export async function describeBed(options: BedOptions = {}): Promise<Bed> {
  const root = resolve(options.root ?? CHECKOUT);
  const dir = resolve(options.dir ?? join(root, '.hatchery'));
  const { uid, gid } = await stat(root);
  const owner = { uid, gid };
  const id = createHash('sha256').update(dir).digest('hex').slice(0, 6);
  const runParent = process.getuid?.() === 0 ? '/run' : tmpdir();
  const runDir = join(runParent, `hatchery-${id}`);
  const block = (await heldBlock(dir)) ?? preferredBlock(id);
  return { root, dir, id, runDir, cacheDir: cacheFolder(owner), owner, block };
}

/** Gives a bed's addresses and its folder in /run back, once nothing of it runs. */
export async function closeBed(bed: Bed): Promise<void> {
  await rm(bed.runDir, { recursive: true, force: true });
  if (process.getuid?.() === 0) await giveBlock(bed);
}

/** The addresses of a bed's host number `index` (1..14, counted over its Xen and LXC hosts together). */
export function hostNetwork(bed: Pick<Bed, 'block'>, index: number): HostNetwork {
  if (!Number.isInteger(index) || index < 1 || index > MAX_HOST_INDEX) {
    throw new RangeError(`host index ${index}: must be a whole number from 1 to ${MAX_HOST_INDEX}`);
  }
  const net = `198.18.${16 * bed.block + index}`;
  return {
    prefix: `${net}.0/24`,
    rootAddress: `${net}.1`,
    hostAddress: `${net}.2`,
    managementCIDR: `${net}.16/28`,
    domainCIDR: `${net}.128/25`,
    gateway: `${net}.129`,
  };
}

/** Where a bed looks first for a block, so that it mostly gets the same one again. */
export function preferredBlock(id: string): number {
  return Number.parseInt(id.slice(0, 2), 16) % 16;
}

/** The user's cache, also when root works for that user: what is cached is then found with and without sudo. */
function cacheFolder(owner: Owner): string {
  const base = process.env['XDG_CACHE_HOME'];
  if (base !== undefined && base.startsWith('/')) return join(base, 'hatchery');
  const uid = actsForAnother(owner) ? owner.uid : (process.getuid?.() ?? owner.uid);
  return join(passwdEntry(uid).home, '.cache', 'hatchery');
}

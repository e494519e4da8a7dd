import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describeBed, openBed } from '#hack/bed/bed.ts';
import type { Bed } from '#hack/bed/bed.ts';
import { occupyBed } from '#hack/bed/exclusive.ts';
import { giveToOwner } from '#hack/bed/owner.ts';
import { ensurePackages } from '#hack/bed/packages.ts';
import { step } from '#hack/bed/step.ts';
import { startCluster } from '#hack/cluster/cluster.ts';
import type { Cluster } from '#hack/cluster/cluster.ts';
import { takeDown } from '#hack/commands/down.ts';
import { createHost, hostPackages } from '#hack/commands/hosts.ts';
import type { HostKind, TestHost } from '#hack/hosts/host.ts';
import type { XenHost } from '#hack/hosts/xen/index.ts';

/** Time-out for a before hook that calls sharedCluster() or sharedHost(): cold caches take minutes to fill. */
export const STARTUP_TIMEOUT_MS = 1_800_000;

/** Time-out for one test on real hosts, on a busy machine; Xen, emulated, has one of its own. */
export const TEST_TIMEOUT_MS = 180_000;
export const XEN_TEST_TIMEOUT_MS = 600_000;

const CHECKOUT = resolve(import.meta.dirname, '../..');

/** All that the tests of one mocha process share; each part is started by the first test that asks for it. */
interface Shared {
  readonly bed: Bed;
  readonly unlock: () => Promise<void>;
  cluster: Promise<Cluster> | undefined;
  readonly hosts: Map<string, Promise<TestHost>>;
}

let shared: Promise<Shared> | undefined;
const ownBeds: Bed[] = [];
let takingDown: Promise<void> | undefined;

/**
 * The bed of this mocha process, in ROOT/.hatchery-test (HATCHERY_TEST_DIR: another folder, for a second mocha beside
 * this one). What an earlier run left that was killed is taken down first.
 */
export async function sharedBed(): Promise<Bed> {
  return (await openShared()).bed;
}

/** The one control plane of this mocha process. Give each test a namespace of its own. */
export async function sharedCluster(): Promise<Cluster> {
  const all = await openShared();
  all.cluster ??= startCluster(all.bed);
  return all.cluster;
}

/** Host number `n` of a kind, started. A test that harms it heals it again. */
export function sharedHost(kind: 'xen', n: number): Promise<XenHost>;
export function sharedHost(kind: HostKind, n: number): Promise<TestHost>;
export async function sharedHost(kind: HostKind, n: number): Promise<TestHost> {
  const { bed, hosts } = await openShared();
  const key = `${kind}-${n}`;
  const known = hosts.get(key);
  if (known !== undefined) return known;
  const starting = startHost(bed, kind, n);
  hosts.set(key, starting);
  return starting;
}

/**
 * A bed of a test's own, in a folder under the system's temporary one: for tests of what happens to a bed as a whole.
 * The root hook takes it down and removes it, also on Ctrl-C.
 */
export async function ownBed(): Promise<Bed> {
  const dir = await mkdtemp(join(tmpdir(), 'hatchery-bed-'));
  const { owner } = await describeBed({ dir });
  // A temporary folder is its maker's alone, and the control plane runs as the checkout's owner.
  await giveToOwner(owner, dir);
  const bed = await openBed({ dir });
  ownBeds.push(bed);
  return bed;
}

/** Ends all that was started, whatever state it is in; for the root hook and for signals, which may both come. */
export function takeDownAll(): Promise<void> {
  takingDown ??= endAll();
  return takingDown;
}

async function endAll(): Promise<void> {
  for (const bed of ownBeds.splice(0)) {
    await takeDown(bed);
    await rm(bed.dir, { recursive: true, force: true });
  }
  await takeDownShared();
}

async function takeDownShared(): Promise<void> {
  if (shared === undefined) return;
  const opening = shared;
  shared = undefined;
  const { bed, unlock } = await opening;
  try {
    await takeDown(bed);
  } finally {
    await unlock();
  }
}

async function startHost(bed: Bed, kind: HostKind, number: number): Promise<TestHost> {
  await ensurePackages(hostPackages([{ kind, number }]));
  const host = createHost(bed, { kind, number });
  await step(`Starting ${host.name}`, () => host.start());
  return host;
}

function openShared(): Promise<Shared> {
  shared ??= open();
  return shared;
}

async function open(): Promise<Shared> {
  // A kubeconfig from outside never counts.
  delete process.env['KUBECONFIG'];
  const dir = resolve(process.env['HATCHERY_TEST_DIR'] ?? join(CHECKOUT, '.hatchery-test'));
  const named = await describeBed({ dir });
  const unlock = await occupyBed(named, STARTUP_TIMEOUT_MS);
  await takeDown(named);
  return { bed: await openBed({ dir }), unlock, cluster: undefined, hosts: new Map() };
}

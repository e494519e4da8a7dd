/**
 * Plays the guests of one host on libvirt's test driver: keeps /default alive by a connection of its own, makes the
 * image pool, and ends each domain that starts as its command line asks.
 * Arguments: the daemon's socket, and the path under which clients find it once the pool is there.
 */
import { rename, rm, symlink } from 'node:fs/promises';
import { connect, DumpFlags, LibvirtError, ListFlags } from '#controller/libvirt/index.ts';
import type { DomainRef, Hypervisor, LibvirtErrorKind } from '#controller/libvirt/index.ts';
import { commandLineOf, planGuest } from './guest.ts';
import { prepareHost } from './prepare.ts';

const LOOK_AGAIN_MS = 1000;
const HARMLESS: ReadonlySet<LibvirtErrorKind> = new Set([
  'no-domain',
  'operation-invalid',
  'connection-lost',
  'not-connected',
]);

const [daemonSocket, publicSocket] = process.argv.slice(2);
if (daemonSocket === undefined || publicSocket === undefined) {
  console.error('usage: player.ts DAEMON-SOCKET PUBLIC-SOCKET');
  process.exit(2);
}

const guests = new Map<string, NodeJS.Timeout>();
const hypervisor = connect({
  uri: `test+unix:///default?socket=${daemonSocket}`,
  backoff: { minMs: 10, maxMs: 100 },
  // A burst of starts asks for as many descriptions at once.
  maxQueued: 100_000,
  observer: {
    onConnected: () => void begin().catch(fail),
    onDisconnected: forgetAll,
    onLifecycle: ({ domain, event }) => {
      if (event === 'started') void play(domain).catch(fail);
      else if (event === 'stopped') forget(domain);
    },
  },
});

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    forgetAll();
    void hypervisor.close().finally(() => process.exit(0));
  });
}

/** A session is there: makes the host ready, takes over the guests that run already, and lets clients in. */
async function begin(): Promise<void> {
  await unlessEnded(async () => {
    await prepareHost(hypervisor);
    await playAll();
    await publish();
  });
}

/** Clients see either no path or a socket behind it. */
async function publish(): Promise<void> {
  const fresh = `${publicSocket}.new`;
  await rm(fresh, { force: true });
  await symlink(String(daemonSocket), fresh);
  await rename(fresh, String(publicSocket));
}

async function play(domain: DomainRef): Promise<void> {
  await unlessEnded(async () => {
    const plan = planGuest(commandLineOf(await hypervisor.getXmlDesc(domain)), Math.random);
    forget(domain);
    if (plan.end === 'never') return;
    const ending = plan.end === 'crash' ? crash : powerOff;
    const timer = setTimeout(() => {
      guests.delete(domain.uuid);
      void unlessEnded(() => ending(hypervisor, domain)).catch(fail);
    }, plan.afterMs);
    guests.set(domain.uuid, timer);
  });
}

async function powerOff(host: Hypervisor, domain: DomainRef): Promise<void> {
  await host.shutdown(domain);
}

async function crash(host: Hypervisor, domain: DomainRef): Promise<void> {
  await host.coreDump(domain, '/dev/null', DumpFlags.crash);
}

function forget(domain: DomainRef): void {
  clearTimeout(guests.get(domain.uuid));
  guests.delete(domain.uuid);
}

function forgetAll(): void {
  for (const timer of guests.values()) clearTimeout(timer);
  guests.clear();
}

/**
 * A domain may end, and the daemon go, at any time: what runs after a reconnection is listed then. A daemon that is
 * paused answers late: what is in doubt is looked at again.
 */
async function unlessEnded(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof LibvirtError)) throw error;
    if (error.kind === 'timeout') {
      console.error(error.message);
      setTimeout(() => void unlessEnded(playAll).catch(fail), LOOK_AGAIN_MS);
    } else if (!HARMLESS.has(error.kind)) {
      throw error;
    }
  }
}

/** Takes over the guests that run and have no plan yet; one that never ends is planned anew, to the same. */
async function playAll(): Promise<void> {
  for (const domain of await hypervisor.listAllDomains(ListFlags.active)) {
    if (!guests.has(domain.uuid)) await play(domain);
  }
}

function fail(error: unknown): void {
  console.error(error);
  process.exit(1);
}

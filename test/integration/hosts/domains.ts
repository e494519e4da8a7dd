import { randomUUID } from 'node:crypto';
import { domainName, macOf } from '#controller/domain/identity.ts';
import { domainXml } from '#controller/domain/xml.ts';
import { connect, LibvirtError } from '#controller/libvirt/index.ts';
import type { Domain, Hypervisor, LifecycleEvent } from '#controller/libvirt/index.ts';
import type { Bed } from '#hack/bed/bed.ts';
import { ensurePackages } from '#hack/bed/packages.ts';
import { step } from '#hack/bed/step.ts';
import type { TestHost } from '#hack/hosts/host.ts';
import { sharedBed } from '#test/support/bed.ts';

/** A client of a host that remembers every event. */
export interface Watched {
  readonly hypervisor: Hypervisor;
  readonly events: readonly LifecycleEvent[];
  /** UUIDs of the domains that rebooted, once for each time. */
  readonly reboots: readonly string[];
  /** Defines and creates a domain of the hatchling, with the XML that the controller writes. */
  start(guest: Guest): Promise<Domain>;
  /** Events of one domain, in words and numbers: `stopped/0`. */
  eventsOf(domain: Domain): readonly string[];
  close(): Promise<void>;
}

/** What a domain runs, and under which of the host's addresses. */
export interface Guest {
  readonly address: string;
  readonly words: string;
}

/** Ends a domain that may have ended by itself meanwhile. */
export async function endIfItRuns(hypervisor: Hypervisor, domain: Domain): Promise<void> {
  try {
    await hypervisor.destroy(domain);
  } catch (error) {
    if (!(error instanceof LibvirtError) || error.kind !== 'operation-invalid') throw error;
  }
}

/** Starts a host of the tests' own bed, and connects to it. */
export async function startWatched(
  packages: readonly string[],
  create: (bed: Bed) => TestHost,
): Promise<{ readonly bed: Bed; readonly host: TestHost; readonly client: Watched }> {
  await ensurePackages(packages);
  const bed = await sharedBed();
  const host = create(bed);
  await step(`Starting ${host.name}`, () => host.start());
  const client = watch(host);
  await client.hypervisor.connected(10_000);
  return { bed, host, client };
}

/** Connects to a host. */
export function watch(host: TestHost): Watched {
  const events: LifecycleEvent[] = [];
  const reboots: string[] = [];
  const hypervisor = connect({
    uri: host.uri,
    backoff: { minMs: 10, maxMs: 100 },
    observer: {
      onLifecycle: (event) => void events.push(event),
      onReboot: ({ domain }) => void reboots.push(domain.uuid),
    },
  });
  return {
    hypervisor,
    events,
    reboots,
    start: async (guest) => {
      await hypervisor.connected(10_000);
      return hypervisor.create(await hypervisor.defineXml(xmlOf(host, guest)));
    },
    eventsOf: (domain) =>
      events.filter((event) => event.domain.uuid === domain.uuid).map(({ event, detail }) => `${event}/${detail}`),
    close: () => hypervisor.close(),
  };
}

function xmlOf(host: TestHost, { address, words }: Guest): string {
  const uuid = randomUUID();
  return domainXml(host.kind, {
    identity: { cluster: randomUUID(), namespace: 'default', name: 'guest', uid: randomUUID(), attempt: 1, address },
    uuid,
    name: domainName(address, uuid),
    type: 'pv',
    memoryKiB: 65536,
    vcpus: 1,
    kernel: 'hatchling',
    cmdline: words,
    imageDirectory: host.imageDirectory,
    interface: { mac: macOf(address), bridge: host.bridge, address },
  });
}

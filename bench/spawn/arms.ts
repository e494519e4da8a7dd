import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { httpPolicyOf } from '#controller/api/index.ts';
import type { DomainHost, EphemeralDomainTemplate } from '#controller/api/index.ts';
import { quantityKiB } from '#controller/domain/quantity.ts';
import { INGRESS_NICE } from '#hack/commands/ingress.ts';
import type { TestHost } from '#hack/hosts/host.ts';
import type { BenchBed } from '../support/bed.ts';
import { startCompanion } from '../support/companion.ts';
import type { Companion } from '../support/companion.ts';
import { credentialsOf, observe } from '../support/left.ts';
import { untilEmpty } from './empty.ts';
import type { FloorSettings } from './floor.ts';

/** A floor by the name that it has beside Hatchery. */
export type FloorName = keyof typeof STYLES;

const STYLES = { floor: 'same', plain: 'plain' } as const satisfies Record<string, FloorSettings['style']>;

/** Ways of serving the same request on one host, all of them up. */
export interface Arms<Floor extends FloorName> {
  /** Where each serves on this machine. */
  readonly ports: Readonly<Record<'ours' | Floor, number>>;
  /** Waits until the host lists no domain. */
  untilEmpty(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts floors for the guest of a template that the ingress of the bed serves. */
export async function startArms<Floor extends FloorName>(
  bench: BenchBed,
  host: TestHost,
  template: string,
  names: readonly Floor[],
): Promise<Arms<Floor>> {
  const url = await readFile(join(bench.bed.dir, 'ingress.url'), 'utf8');
  const settings = await floorSettings(bench, host, template);
  const observers = await observe([host]);
  const floors = await Promise.all(
    names.map(async (name) => ({ name, ...(await startFloor({ ...settings, style: STYLES[name] })) })),
  );
  const ports = Object.fromEntries(floors.map(({ name, port }) => [name, port])) as Record<Floor, number>;
  return {
    ports: { ...ports, ours: Number(new URL(url).port) },
    untilEmpty: async () => {
      for (const observer of observers) await untilEmpty(observer);
    },
    stop: async () => {
      for (const { program } of floors) program.stop();
      for (const observer of observers) await observer.close();
    },
  };
}

async function floorSettings(bench: BenchBed, host: TestHost, name: string): Promise<Omit<FloorSettings, 'style'>> {
  const { kubectl } = bench.cluster;
  const read = async (...args: readonly string[]): Promise<unknown> =>
    JSON.parse(await kubectl(['get', ...args, '--output=json']));
  const template = (await read('ephemeraldomaintemplate', name)) as EphemeralDomainTemplate;
  const { spec } = (await read('domainhost', host.name)) as DomainHost;
  const { domain } = template.spec.template.spec;
  const { bridge, domainCIDR, gateway, imageDirectory = host.imageDirectory } = spec;
  if (bridge === undefined || domainCIDR === undefined || gateway === undefined) {
    throw new Error(`${host.name} has no guest network`);
  }
  if (host.kind === 'test') throw new Error('the test driver serves no requests: choose HOSTS=lxc:1 or xen:1');
  return {
    kind: host.kind,
    uri: spec.uri,
    tls: await credentialsOf(host),
    ...{ bridge, domainCIDR, gateway, imageDirectory },
    ...{ vifScript: spec.vifScript, mtu: spec.mtu, addresses: 40 },
    guest: {
      memoryKiB: quantityKiB(domain.memory) ?? Number.NaN,
      vcpus: domain.vcpus,
      ...{ kernel: domain.boot.kernel, initrd: domain.boot.initrd, cmdline: domain.boot.cmdline ?? '' },
      port: httpPolicyOf(template).port,
    },
  };
}

/** A floor that serves, with as much of the machine's CPU as the ingress may have. */
async function startFloor(settings: FloorSettings): Promise<{ readonly port: number; readonly program: Companion }> {
  const program = await startCompanion(join(import.meta.dirname, 'floor.ts'), settings, { nice: INGRESS_NICE });
  const { port } = JSON.parse(await program.next()) as { readonly port: number };
  return { port, program };
}

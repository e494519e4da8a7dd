import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { httpPolicyOf } from '#controller/api/index.ts';
import type { DomainHost, EphemeralDomainTemplate } from '#controller/api/index.ts';
import { quantityKiB } from '#controller/domain/quantity.ts';
import type { TestHost } from '#hack/hosts/host.ts';
import type { BenchBed } from '../support/bed.ts';
import { credentialsOf } from '../support/left.ts';
import type { FloorSettings } from './floor.ts';

/** One way of serving a request, at a port of this machine. */
export interface Arm {
  readonly name: 'ours' | 'floor' | 'plain';
  readonly port: number;
}

/** The arms of one comparison, all of them up. */
export interface Arms {
  readonly ours: Arm;
  readonly floor: Arm;
  readonly plain: Arm;
  stop(): void;
}

/** Starts both floors for the guest that the ingress of the bed serves. */
export async function startArms(bench: BenchBed, host: TestHost, template: string): Promise<Arms> {
  const url = await readFile(join(bench.bed.dir, 'ingress.url'), 'utf8');
  const settings = await floorSettings(bench, host, template);
  const floors = await Promise.all((['same', 'plain'] as const).map((style) => startFloor({ ...settings, style })));
  const [same, plain] = floors;
  if (same === undefined || plain === undefined) throw new Error('a floor is missing');
  return {
    ours: { name: 'ours', port: Number(new URL(url).port) },
    floor: { name: 'floor', port: same.port },
    plain: { name: 'plain', port: plain.port },
    stop: () => {
      for (const { child } of floors) child.stdin?.end();
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

/** A floor that serves; it ends when its stdin does, so also when this process is killed. */
async function startFloor(settings: FloorSettings): Promise<{ readonly port: number; readonly child: ChildProcess }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'floor.ts'), JSON.stringify(settings)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  for await (const line of createInterface({ input: child.stdout })) {
    return { port: (JSON.parse(line) as { readonly port: number }).port, child };
  }
  throw new Error(`the floor (${settings.style}) has ended with ${String(child.exitCode)}`);
}

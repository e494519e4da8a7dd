import type { Bed } from '../bed/bed.ts';
import type { HostKind, TestHost } from '../hosts/host.ts';
import * as lxc from '../hosts/lxc/host.ts';
import * as test from '../hosts/test/host.ts';
import * as xen from '../hosts/xen/index.ts';
import type { HostChoice } from './hostlist.ts';

interface HostFactory {
  readonly packages: readonly string[];
  readonly create: (bed: Bed, number: number) => TestHost;
}

const FACTORIES: Readonly<Record<HostKind, HostFactory>> = {
  xen: { packages: xen.packages, create: xen.createXenHost },
  lxc: { packages: lxc.packages, create: lxc.createLxcHost },
  test: { packages: test.packages, create: test.createTestHost },
};

/** The host of a bed by kind and number; nothing is started. */
export function createHost(bed: Bed, choice: HostChoice): TestHost {
  return FACTORIES[choice.kind].create(bed, choice.number);
}

/** Debian packages that hosts of these kinds need. */
export function hostPackages(choices: readonly HostChoice[]): readonly string[] {
  return [...new Set(choices.flatMap(({ kind }) => FACTORIES[kind].packages))].sort();
}

import { commandLineWords } from './cmdline.ts';
import { diskTarget } from './disks.ts';
import type { DiskPlan } from './disks.ts';
import { metadataElement } from './metadata.ts';
import type { DomainIdentity } from './metadata.ts';
import { buildXml } from './xmltext.ts';
import type { XmlElement } from './xmltext.ts';

/** Kinds of host by their libvirt driver. */
export type HypervisorKind = 'xen' | 'lxc' | 'test';

/** Interface of a domain; all of it was decided with the binding. */
export interface InterfacePlan {
  readonly mac: string;
  /** Bridge of the host; a test host has none. */
  readonly bridge?: string | undefined;
  /** IPv4; told to the vif script, which pins it. */
  readonly address: string;
  /** Path of the vif hotplug script in dom0 (Xen); Xen's default where absent. */
  readonly vifScript?: string | undefined;
  /** Bytes. */
  readonly mtu?: number | undefined;
}

/** All that a domain's XML is made of. */
export interface DomainPlan {
  readonly identity: DomainIdentity;
  readonly uuid: string;
  readonly name: string;
  readonly type: 'pv' | 'pvh' | 'hvm';
  readonly memoryKiB: number;
  readonly vcpus: number;
  /** Names of volumes in the image directory. */
  readonly kernel: string;
  readonly initrd?: string | undefined;
  /** Expanded and checked, see cmdline.ts. */
  readonly cmdline?: string | undefined;
  /** Absolute path in dom0, without a slash at its end. */
  readonly imageDirectory: string;
  /** None but on Xen. */
  readonly disks?: readonly DiskPlan[] | undefined;
  readonly interface?: InterfacePlan | undefined;
}

const EMULATOR = '/usr/lib/libvirt/libvirt_lxc';

/**
 * XML of a domain for a kind of host, to be created or defined at libvirt. Throws XmlTextError where a text of the plan
 * has characters that XML cannot carry; no text can add or close an element.
 */
export const domainXml = (kind: HypervisorKind, plan: DomainPlan): string => {
  switch (kind) {
    case 'xen':
      return buildXml({ domain: { '@type': 'xen', ...head(plan), ...xenBody(plan) } });
    case 'lxc':
      return buildXml({ domain: { '@type': 'lxc', ...head(plan), ...lxcBody(plan) } });
    case 'test':
      return buildXml({ domain: { '@type': 'test', ...head(plan), ...testBody(plan) } });
  }
};

const head = (plan: DomainPlan): XmlElement => ({
  name: plan.name,
  uuid: plan.uuid,
  title: `${plan.identity.namespace}/${plan.identity.name}`,
  metadata: metadataElement(plan.identity),
  memory: { '@unit': 'KiB', '#text': plan.memoryKiB },
  vcpu: plan.vcpus,
});

const optional = (name: string, value: string | undefined): XmlElement =>
  value === undefined ? {} : { [name]: value };

/** Kernel, initrd and command line of a domain whose host boots a kernel. */
const directBoot = (plan: DomainPlan): XmlElement => ({
  kernel: `${plan.imageDirectory}/${plan.kernel}`,
  ...optional('initrd', plan.initrd === undefined ? undefined : `${plan.imageDirectory}/${plan.initrd}`),
  ...optional('cmdline', plan.cmdline),
});

const onEnd = (action: 'preserve' | 'destroy'): XmlElement => ({
  on_poweroff: action,
  on_reboot: action,
  on_crash: action,
});

const XEN_TYPES: Readonly<Record<DomainPlan['type'], XmlElement>> = {
  pv: { '@machine': 'xenpv', '#text': 'linux' },
  pvh: { '@machine': 'xenpvh', '#text': 'linux' },
  hvm: { '@machine': 'xenfv', '#text': 'hvm' },
};

const ACCESS: Readonly<Record<DiskPlan['kind'], XmlElement>> = {
  image: { readonly: {}, shareable: {} },
  scratch: {},
  secret: { readonly: {} },
};

/** Raw files through phy: dom0's kernel serves them, no process. libvirt has no word for a hotplug script of a disk. */
const diskElements = ({ disks = [], imageDirectory }: DomainPlan): XmlElement => {
  if (disks.length === 0) return {};
  const disk = disks.map(({ kind, volume }, index) => ({
    '@type': 'file',
    '@device': 'disk',
    driver: { '@name': 'phy', '@type': 'raw' },
    source: { '@file': `${imageDirectory}/${volume}` },
    target: { '@dev': diskTarget(index), '@bus': 'xen' },
    ...ACCESS[kind],
  }));
  return { disk };
};

/** An ended domain is preserved: Xen keeps its end, and its reason, until the controller has stored them. */
const xenBody = (plan: DomainPlan): XmlElement => ({
  os: {
    type: { '@arch': 'x86_64', ...XEN_TYPES[plan.type] },
    ...directBoot(plan),
  },
  ...onEnd('preserve'),
  devices: {
    ...diskElements(plan),
    ...interfaceElement(plan.interface, (planned) => ({
      ip: { '@address': planned.address },
      ...(planned.vifScript === undefined ? {} : { script: { '@path': planned.vifScript } }),
    })),
    console: { '@type': 'pty', target: { '@type': 'xen' } },
  },
});

/** MAC address of an interface that leads nowhere; see lonelyInterface. */
export const LONELY_MAC = '02:48:00:00:00:00';

/**
 * What a container without an interface has all the same: a link that is down there, and on no bridge of its host. It goes
 * with the container's process, which is the only sign of an end that libvirtd has missed.
 */
const lonelyInterface: XmlElement = {
  interface: {
    '@type': 'ethernet',
    mac: { '@address': LONELY_MAC },
    guest: { '@dev': 'none0' },
    link: { '@state': 'down' },
  },
};

/** The image directory itself is the root file system, read-only; the kernel's volume is an executable in it. */
const lxcBody = (plan: DomainPlan): XmlElement => ({
  os: {
    type: { '@arch': 'x86_64', '#text': 'exe' },
    init: `/${plan.kernel}`,
    initarg: [...commandLineWords(plan.cmdline ?? '')],
  },
  // Without an interface a container would have its host's network.
  ...(plan.interface === undefined ? { features: { privnet: {} } } : {}),
  ...onEnd('destroy'),
  devices: {
    emulator: EMULATOR,
    filesystem: {
      '@type': 'mount',
      '@accessmode': 'passthrough',
      source: { '@dir': plan.imageDirectory },
      target: { '@dir': '/' },
      readonly: {},
    },
    ...(plan.interface === undefined
      ? lonelyInterface
      : interfaceElement(plan.interface, () => ({ port: { '@isolated': 'yes' } }))),
    console: { '@type': 'pty' },
  },
});

/** The test driver runs nothing; whoever plays its guests reads <cmdline>. */
const testBody = (plan: DomainPlan): XmlElement => ({
  os: { type: { '@arch': 'x86_64', '#text': 'hvm' }, ...directBoot(plan) },
  ...onEnd('destroy'),
  devices: {
    ...interfaceElement(plan.interface, () => ({})),
  },
});

const interfaceElement = (
  planned: InterfacePlan | undefined,
  more: (planned: InterfacePlan) => XmlElement,
): XmlElement => {
  if (planned?.bridge === undefined) return {};
  return {
    interface: {
      '@type': 'bridge',
      mac: { '@address': planned.mac },
      source: { '@bridge': planned.bridge },
      ...more(planned),
      ...(planned.mtu === undefined ? {} : { mtu: { '@size': planned.mtu } }),
    },
  };
};

import type { DomainSpec } from '#controller/api/index.ts';
import { attributeOf, elementsOf, parseXml, textOf } from '#controller/domain/xmltext.ts';
import type { XmlElement } from '#controller/domain/xmltext.ts';

export type DomainType = DomainSpec['type'];

/** Of hosts that are not Xen: they map each to what they have. */
export const EVERY_TYPE: readonly DomainType[] = ['pv', 'pvh', 'hvm'];

/** What a host's capabilities say of it. */
export interface HostCapabilities {
  /** `<host><uuid>`; '' where there is none. */
  readonly daemon: string;
  /** Domain types, in libvirt's sense, that it runs: xen, lxc, test. */
  readonly types: ReadonlySet<string>;
  /** Types of Xen domain that it takes. */
  readonly xenTypes: readonly DomainType[];
}

/**
 * libvirt's word for a type of Xen domain: guest's os_type and machine. hvm is not among them: it needs an emulator in
 * dom0, and libvirt claims hvm, with the emulator's path, whether or not that is there, in CONNECT_GET_DOMAIN_CAPABILITIES
 * too (measured, 11.3); a start would then fail without a word that a person could use.
 */
const XEN_TYPES: readonly { readonly type: DomainType; readonly osType: string; readonly machine: string }[] = [
  { type: 'pv', osType: 'xen', machine: 'xenpv' },
  { type: 'pvh', osType: 'xenpvh', machine: 'xenpvh' },
];

export function readCapabilities(xml: string): HostCapabilities {
  const root = parseXml(xml, 'capabilities');
  const guests = elementsOf(root, 'guest');
  const types = guests.flatMap((guest) => elementsOf(guest, 'arch').flatMap(domainTypes));
  const daemon = textOf(elementsOf(root, 'host')[0], 'uuid') ?? '';
  const runs = ({ osType, machine }: (typeof XEN_TYPES)[number]): boolean =>
    guests.some((guest) => textOf(guest, 'os_type') === osType && hasMachine(guest, machine));
  return { daemon, types: new Set(types), xenTypes: XEN_TYPES.filter(runs).map(({ type }) => type) };
}

/** Domains are made for x86_64 alone. */
function hasMachine(guest: XmlElement, machine: string): boolean {
  return elementsOf(guest, 'arch').some(
    (arch) =>
      attributeOf(arch, 'name') === 'x86_64' && domainTypes(arch).includes('xen') && machinesOf(arch).includes(machine),
  );
}

function domainTypes(arch: XmlElement): readonly string[] {
  return elementsOf(arch, 'domain').flatMap((domain) => attributeOf(domain, 'type') ?? []);
}

function machinesOf(arch: XmlElement): readonly unknown[] {
  const { machine } = arch;
  return Array.isArray(machine) ? machine : [machine];
}

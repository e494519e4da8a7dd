import { readMetadata } from './metadata.ts';
import type { Ownership } from './metadata.ts';
import { asElement, attributeOf, elementsOf, parseXml, textOf } from './xmltext.ts';

/** What Hatchery reads from the XML of a domain that a host lists: its own, or anybody's. */
export interface DomainReading {
  readonly ownership: Ownership;
  readonly name: string | undefined;
  readonly uuid: string | undefined;
  /** As text: `namespace/name` for ours. */
  readonly title: string | undefined;
  /** Memory that the domain takes, for the host's account; undefined where the XML does not say. */
  readonly memoryKiB: number | undefined;
  readonly vcpus: number | undefined;
  readonly interfaces: readonly { readonly mac: string | undefined; readonly bridge: string | undefined }[];
}

export type DomainReadingResult =
  { readonly ok: true; readonly domain: DomainReading } | { readonly ok: false; readonly why: string };

/** Units of libvirt's <memory> in bytes; KiB where none is said (formatdomain, Memory Allocation). */
const UNITS: ReadonlyMap<string, number> = new Map([
  ['b', 1],
  ['bytes', 1],
  ['KB', 1e3],
  ['k', 1024],
  ['KiB', 1024],
  ['MB', 1e6],
  ['M', 2 ** 20],
  ['MiB', 2 ** 20],
  ['GB', 1e9],
  ['G', 2 ** 30],
  ['GiB', 2 ** 30],
  ['TB', 1e12],
  ['T', 2 ** 40],
  ['TiB', 2 ** 40],
]);

const positive = (text: string | undefined): number | undefined =>
  text !== undefined && /^[0-9]{1,15}$/.test(text.trim()) ? Number(text) : undefined;

/**
 * Reads a domain's XML as libvirt returns it. `cluster` is our own: UID of the namespace kube-system. Not ok only where
 * the text is no domain at all; what is missing in it is undefined.
 */
export const readDomainXml = (xml: string, cluster: string): DomainReadingResult => {
  const domain = parseXml(xml, 'domain');
  if (domain === undefined) return { ok: false, why: 'no well-formed XML with the root <domain>' };
  const metadata = elementsOf(domain, 'metadata');
  const memory = positive(textOf(domain, 'memory'));
  const unit = UNITS.get(attributeOf(asElement(domain['memory']), 'unit') ?? 'KiB');
  const interfaces = elementsOf(elementsOf(domain, 'devices')[0], 'interface');
  return {
    ok: true,
    domain: {
      ownership: readMetadata(metadata[0], cluster),
      name: textOf(domain, 'name'),
      uuid: textOf(domain, 'uuid'),
      title: textOf(domain, 'title'),
      memoryKiB: memory === undefined || unit === undefined ? undefined : Math.ceil((memory * unit) / 1024),
      vcpus: positive(textOf(domain, 'vcpu')),
      interfaces: interfaces.map((one) => ({
        mac: attributeOf(elementsOf(one, 'mac')[0], 'address'),
        bridge: attributeOf(elementsOf(one, 'source')[0], 'bridge'),
      })),
    },
  };
};

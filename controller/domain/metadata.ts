import { ipv4Value } from './ipv4.ts';
import { asElement, attributeOf } from './xmltext.ts';
import type { XmlElement } from './xmltext.ts';

/** XML namespace of the element that Hatchery puts under a domain's <metadata>. */
export const METADATA_NAMESPACE = 'https://hatchery.dev/domain/v1';

/** Version of that element's content. A reader refuses a greater one. */
export const METADATA_FORMAT = 1;

/** Whose domain this is: what a new owner needs to recognise it from the host alone. */
export interface DomainIdentity {
  /** UID of the cluster's namespace kube-system. */
  readonly cluster: string;
  readonly namespace: string;
  readonly name: string;
  /** UID of the EphemeralDomain. */
  readonly uid: string;
  /** 1 for the first. */
  readonly attempt: number;
  /** IPv4 address that the domain holds, if it has one. */
  readonly address?: string | undefined;
  /** What the guest was told as the end of NOTIFY_URL, if it was: 32 hexadecimal digits. Never to be logged or shown. */
  readonly notifyToken?: string | undefined;
}

/** What a domain's XML says of its owner. Only `ours` may ever be touched. */
export type Ownership =
  | { readonly kind: 'ours'; readonly identity: DomainIdentity }
  | { readonly kind: 'other-cluster'; readonly cluster: string }
  /** Not made by Hatchery. */
  | { readonly kind: 'none' }
  /** Hatchery's element is there, but unreadable (a newer format, a missing value). */
  | { readonly kind: 'malformed'; readonly why: string };

const PREFIX = 'hatchery';

/** Content of <metadata>: one element in Hatchery's namespace. */
export const metadataElement = (identity: DomainIdentity): XmlElement => ({
  [`${PREFIX}:attempt`]: {
    [`@xmlns:${PREFIX}`]: METADATA_NAMESPACE,
    '@format': METADATA_FORMAT,
    '@cluster': identity.cluster,
    '@namespace': identity.namespace,
    '@name': identity.name,
    '@uid': identity.uid,
    '@attempt': identity.attempt,
    ...(identity.address === undefined ? {} : { '@address': identity.address }),
    ...(identity.notifyToken === undefined ? {} : { '@notify-token': identity.notifyToken }),
  },
});

/** All elements under <metadata> in Hatchery's namespace, whatever prefix they have by now. */
const ownElements = (metadata: XmlElement): readonly XmlElement[] =>
  Object.entries(metadata).flatMap(([tag, value]) => {
    const [prefix] = tag.includes(':') ? tag.split(':') : [undefined];
    const declaration = prefix === undefined ? 'xmlns' : `xmlns:${prefix}`;
    const values: readonly unknown[] = Array.isArray(value) ? value : [value];
    return values
      .map(asElement)
      .filter((element) => element !== undefined)
      .filter((element) => attributeOf(element, declaration) === METADATA_NAMESPACE);
  });

const malformed = (why: string): Ownership => ({ kind: 'malformed', why });

const TOKEN = /^[0-9a-f]{32}$/;
const COUNT = /^[1-9][0-9]{0,8}$/;

const readElement = (element: XmlElement, cluster: string): Ownership => {
  const format = attributeOf(element, 'format') ?? '';
  if (!COUNT.test(format)) return malformed(`format is ${JSON.stringify(format)}, no version`);
  if (Number(format) > METADATA_FORMAT) {
    return malformed(`format ${format} is newer than ${METADATA_FORMAT}, the newest that this version knows`);
  }
  const text = (name: string): string => attributeOf(element, name) ?? '';
  const missing = ['cluster', 'namespace', 'name', 'uid'].filter((name) => text(name) === '');
  if (missing.length > 0) return malformed(`${missing.join(', ')} missing`);
  if (text('cluster') !== cluster) return { kind: 'other-cluster', cluster: text('cluster') };
  if (!COUNT.test(text('attempt'))) return malformed(`attempt is ${JSON.stringify(text('attempt'))}, no count`);
  const address = attributeOf(element, 'address');
  if (address !== undefined && ipv4Value(address) === undefined) {
    return malformed(`address is ${JSON.stringify(address)}, no IPv4 address`);
  }
  const notifyToken = attributeOf(element, 'notify-token');
  if (notifyToken !== undefined && !TOKEN.test(notifyToken)) return malformed('notify-token is none');
  const identity = { namespace: text('namespace'), name: text('name'), uid: text('uid'), cluster };
  const optional = {
    ...(address === undefined ? {} : { address }),
    ...(notifyToken === undefined ? {} : { notifyToken }),
  };
  return { kind: 'ours', identity: { ...identity, attempt: Number(text('attempt')), ...optional } };
};

/** Reads <metadata> of a domain. `cluster` is our own: UID of the namespace kube-system. */
export const readMetadata = (metadata: XmlElement | undefined, cluster: string): Ownership => {
  const [element, ...more] = metadata === undefined ? [] : ownElements(metadata);
  if (element === undefined) return { kind: 'none' };
  if (more.length > 0) return malformed(`${more.length + 1} elements of ${METADATA_NAMESPACE}`);
  return readElement(element, cluster);
};

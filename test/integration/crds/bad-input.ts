import { BAD_PARAMETERS } from './bad-parameters.ts';
import { BAD_REQUEST } from './bad-request.ts';
import { ephemeralDomain, template, withBoot, withDomain } from './support.ts';
import type { Fields, Manifest } from './support.ts';
import { BAD_POLICY } from './bad-policy.ts';
import type { BadInput } from './bad-policy.ts';

export type { BadInput } from './bad-policy.ts';

const QUANTITY = 'memory must be a quantity: a number with a unit, such as 64Mi or 1Gi';
const POSITIVE = 'memory must be more than zero: say how much the domain gets, such as 64Mi';
const TOO_SMALL = 'memory must be at least 1Mi; a number without a unit is bytes: write 64Mi, not 64';
const TOO_GREAT = 'memory must be at most 16Ti, the most that a domain can have: lower it';

const memory = (value: unknown, says: string): BadInput => ({
  what: `memory ${JSON.stringify(value)}`,
  spec: withDomain({ memory: value }),
  field: 'spec.domain.memory',
  says,
});

const SIZE_QUANTITY = 'size must be a quantity: a number with a unit, such as 64Mi or 10Gi';
const SIZE_TOO_SMALL = 'size must be at least 1Mi; a number without a unit is bytes: write 64Mi, not 64';
const SIZE_TOO_GREAT = 'size must be at most 16Ti: lower it';

const disk = (what: string, value: Fields, field: string, says: string): BadInput => ({
  what: `a disk with ${what}`,
  spec: withDomain({ disks: [value] }),
  field: `spec.domain.disks[0]${field}`,
  says,
});

const size = (value: unknown, says: string): BadInput =>
  disk(`size ${JSON.stringify(value)}`, { name: 'a', scratch: { size: value } }, '.scratch.size', says);

const ONE_OF =
  'a disk must have exactly one of volume (an image of the host) and scratch (an empty disk): give one of them';
const DNS_LABEL =
  'name must be a DNS label: at most 63 lower-case letters, digits and -, beginning and ending with a letter or digit';

const diskVolume = (value: string, says: string): BadInput =>
  disk(`volume ${JSON.stringify(value.slice(0, 40))}`, { name: 'a', volume: value }, '.volume', `volume ${says}`);

const PATH_RULE =
  "must be the name of a volume, not a path: remove the slash and put the file into the host's image directory";
const OTHERS = [
  'hatchery-scratch-c-2f5e0b2e-93f5-5d39-8a52-8a5f6b3f1e7c-0',
  'hatchery-secret-c-2f5e0b2e-93f5-5d39-8a52-8a5f6b3f1e7c',
] as const;
const RESERVED =
  'must not begin with hatchery-scratch- or hatchery-secret-, as the disks made for domains do: name an image';
const DOTS_RULE = "must be the name of a volume, not . or ..: name a file of the host's image directory";

const volume = (field: 'kernel' | 'initrd', value: string, says: string): BadInput => ({
  what: `${field} ${JSON.stringify(value.length > 40 ? `${value.slice(0, 3)}… (${value.length})` : value)}`,
  spec: withBoot({ [field]: value }),
  field: `spec.domain.boot.${field}`,
  says: `${field} ${says}`,
});

const volumes = (field: 'kernel' | 'initrd'): readonly BadInput[] => [
  volume(field, '/boot/vmlinuz', PATH_RULE),
  volume(field, '../vmlinuz', PATH_RULE),
  volume(field, 'a/', PATH_RULE),
  volume(field, '..', DOTS_RULE),
  volume(field, '.', DOTS_RULE),
  volume(field, 'a\nb', 'must be the name of a volume: remove the control characters'),
  volume(field, 'a\u0000b', 'must be the name of a volume: remove the control characters'),
  volume(field, 'a\u009fb', 'must be the name of a volume: remove the control characters'),
  volume(field, 'k'.repeat(256), 'must be at most 255 bytes long, as a file name: shorten it'),
  volume(field, 'ü'.repeat(128), 'must be at most 255 bytes long, as a file name: shorten it'),
  ...OTHERS.map((name) => volume(field, name, RESERVED)),
];

const cmdline = (value: string, says: string): BadInput => ({
  what: `cmdline ${JSON.stringify(value.length > 40 ? `${value.slice(0, 3)}… (${value.length})` : value)}`,
  spec: withBoot({ cmdline: value }),
  field: 'spec.domain.boot.cmdline',
  says,
});

const ONE_LINE = 'cmdline must be one line without control characters: put blanks in place of line breaks and tabs';
const TOO_LONG = 'cmdline must be at most 1023 bytes long, all that a PV guest gets: shorten it';

const NO_DOMAIN = 'spec.domain is missing: say what to run, with at least memory (such as 64Mi) and boot.kernel';
const NOTHING_TO_RUN = {
  field: 'spec.domain',
  says: `${NO_DOMAIN}, or name an EphemeralDomainTemplate as spec.templateRef.name`,
  saysInTemplate: NO_DOMAIN.replace('spec.', 'spec.template.spec.'),
};

/** Everything that kubectl apply must refuse of an EphemeralDomain's spec. */
export const BAD_INPUT: readonly BadInput[] = [
  { what: 'no spec', spec: undefined, ...NOTHING_TO_RUN },
  { what: 'no domain and no templateRef', spec: {}, ...NOTHING_TO_RUN },
  ...BAD_PARAMETERS,
  ...BAD_REQUEST,
  {
    what: 'no memory',
    spec: { domain: { boot: { kernel: 'hatchling' } } },
    field: 'spec.domain.memory',
    says: 'memory is missing: say how much the domain gets, such as 64Mi or 1Gi',
  },
  {
    what: 'no boot',
    spec: { domain: { memory: '64Mi' } },
    field: 'spec.domain.boot',
    says: 'boot is missing: name at least the volume to boot as boot.kernel',
  },
  {
    what: 'no kernel',
    spec: { domain: { memory: '64Mi', boot: {} } },
    field: 'spec.domain.boot.kernel',
    says: "kernel is missing: name the volume to boot, a file of the host's image directory",
  },
  ...['lots', '', '64MB', '64 Mi', '1e3Mi', '0x10', '１Gi'].map((value) => memory(value, QUANTITY)),
  ...[0, '0', '0Gi', -1, '-5Mi'].map((value) => memory(value, POSITIVE)),
  ...[1, 64, '100m', '1023Ki'].map((value) => memory(value, TOO_SMALL)),
  ...['17Ti', '16.1Ti', '1Pi', '5E', 17_592_186_044_417].map((value) => memory(value, TOO_GREAT)),
  ...[0, -1].map((value) => ({
    what: `vcpus ${value}`,
    spec: withDomain({ vcpus: value }),
    field: 'spec.domain.vcpus',
    says: 'vcpus must be at least 1, or left out for 1',
  })),
  {
    what: 'vcpus 513',
    spec: withDomain({ vcpus: 513 }),
    field: 'spec.domain.vcpus',
    says: 'vcpus must be at most 512: lower it',
  },
  ...['xenpv', 'PV', ''].map((value) => ({
    what: `type ${JSON.stringify(value)}`,
    spec: withDomain({ type: value }),
    field: 'spec.domain.type',
    says: 'type must be pv, pvh or hvm, or left out for pv',
  })),
  volume('kernel', '', "must not be empty: name the volume to boot, a file of the host's image directory"),
  volume('initrd', '', "must not be empty: name a volume, a file of the host's image directory, or leave it out"),
  ...volumes('kernel'),
  ...volumes('initrd'),
  {
    what: 'nine disks',
    spec: withDomain({ disks: Array.from({ length: 9 }, (_, index) => ({ name: `d${index}`, volume: 'v' })) }),
    field: 'spec.domain.disks',
    says: 'disks must be at most 8: remove some',
  },
  disk('neither volume nor scratch', { name: 'a' }, '', ONE_OF),
  disk('volume and scratch', { name: 'a', volume: 'v', scratch: { size: '1Mi' } }, '', ONE_OF),
  ...['', 'Data', 'a.b', '-a', 'a'.repeat(64)].map((name) =>
    disk(`name ${JSON.stringify(name.slice(0, 8))}`, { name, volume: 'v' }, '.name', DNS_LABEL),
  ),
  diskVolume('', "must not be empty: name a file of the host's image directory"),
  diskVolume('/dev/sda', PATH_RULE),
  diskVolume('..', DOTS_RULE),
  diskVolume('a\nb', 'must be the name of a volume: remove the control characters'),
  diskVolume('v'.repeat(256), 'must be at most 255 bytes long, as a file name: shorten it'),
  ...OTHERS.map((name) => diskVolume(name, RESERVED)),
  disk(
    'scratch without a size',
    { name: 'a', scratch: {} },
    '.scratch.size',
    'size is missing: say how big the disk is, such as 1Gi',
  ),
  ...['lots', '', '64MB'].map((value) => size(value, SIZE_QUANTITY)),
  ...[0, 64, '-1Gi', '1023Ki'].map((value) => size(value, SIZE_TOO_SMALL)),
  ...['17Ti', '5E'].map((value) => size(value, SIZE_TOO_GREAT)),
  {
    what: 'two interfaces',
    spec: withDomain({ interfaces: [{ name: 'a' }, { name: 'b' }] }),
    field: 'spec.domain.interfaces',
    says: 'interfaces must be at most 1 for now: remove the others, or write [] for none',
  },
  {
    what: 'an interface with a name that is none',
    spec: withDomain({ interfaces: [{ name: 'eth_0' }] }),
    field: 'spec.domain.interfaces[0].name',
    says: DNS_LABEL,
  },
  ...['a\nb', 'a\tb', '\u0000', 'a\u007f', 'a\u0085b', 'a\uffffb'].map((value) => cmdline(value, ONE_LINE)),
  cmdline('x'.repeat(1024), TOO_LONG),
  cmdline('€'.repeat(342), TOO_LONG),
  ...(
    [
      [-1, 'captureBytes must be at least 0, or left out for 0 (nothing is captured)'],
      [65_537, 'captureBytes must be at most 65536 (64 KiB): lower it'],
    ] as const
  ).map(([captureBytes, says]) => ({
    what: `captureBytes ${captureBytes}`,
    spec: withDomain({ console: { captureBytes } }),
    field: 'spec.domain.console.captureBytes',
    says,
  })),
  ...BAD_POLICY,
];

/** The same input as an EphemeralDomain, and within a template. */
export const asDomain = (input: BadInput, name: string): Manifest => ephemeralDomain(name, input.spec);
export const asTemplate = (input: BadInput, name: string): Manifest => template(name, input.spec ?? {});

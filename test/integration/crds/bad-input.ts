import { ephemeralDomain, SMALLEST, template, withBoot, withDomain } from './support.ts';
import type { Fields, Manifest } from './support.ts';

/** A spec that must be refused, and the sentence that says so. */
export interface BadInput {
  readonly what: string;
  readonly spec: Fields | undefined;
  readonly field: string;
  /** The sentence, after kubectl's `Invalid value: …: ` and the like. */
  readonly says: string;
}

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

const PATH_RULE =
  "must be the name of a volume, not a path: remove the slash and put the file into the host's image directory";
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
];

const cmdline = (value: string, says: string): BadInput => ({
  what: `cmdline ${JSON.stringify(value.length > 40 ? `${value.slice(0, 3)}… (${value.length})` : value)}`,
  spec: withBoot({ cmdline: value }),
  field: 'spec.domain.boot.cmdline',
  says,
});

const ONE_LINE = 'cmdline must be one line without control characters: put blanks in place of line breaks and tabs';
const TOO_LONG = 'cmdline must be at most 1023 bytes long, all that a PV guest gets: shorten it';

const policy = (field: string, value: unknown, says: string): BadInput => ({
  what: `${field} ${JSON.stringify(value)}`,
  spec: { ...SMALLEST, [field]: value },
  field: `spec.${field}`,
  says: `${field} ${says}`,
});

const selector = (what: string, hostSelector: Fields, field: string, says: string): BadInput => ({
  what: `hostSelector with ${what}`,
  spec: { ...SMALLEST, hostSelector },
  field: `spec.hostSelector.${field}`,
  says,
});

const requirement = (what: string, expression: Fields, field: string, says: string): BadInput =>
  selector(what, { matchExpressions: [expression] }, `matchExpressions[0].${field}`, says);

const toleration = (what: string, fields: Fields, field: string, says: string): BadInput => ({
  what: `a toleration with ${what}`,
  spec: { ...SMALLEST, tolerations: [fields] },
  field: `spec.tolerations[0].${field}`,
  says,
});

const LABEL_NAME = 'that is no label name: write NAME or PREFIX/NAME, of letters, digits, -, _ and .';
const NO_DOMAIN = 'spec.domain is missing: say what to run, with at least memory (such as 64Mi) and boot.kernel';

const readiness = (what: string, value: Fields, field: string, says: string): BadInput => ({
  what: `readiness with ${what}`,
  spec: withDomain({ readiness: value }),
  field: `spec.domain.readiness${field}`,
  says,
});

const EXACTLY_ONE =
  'readiness must have exactly one of notify, tcp and http: keep one, or leave readiness out for Ready to come with Started';
const TO_CONNECT = 'say which port of the guest to connect to';
const SERVES_HTTP = 'say which port of the guest serves HTTP';
const PATH = 'path must begin with / and have only visible ASCII characters other than #: write others as %XX';

/** Everything that kubectl apply must refuse of an EphemeralDomain's spec. */
export const BAD_INPUT: readonly BadInput[] = [
  { what: 'no spec', spec: undefined, field: 'spec.domain', says: NO_DOMAIN },
  { what: 'no domain', spec: {}, field: 'spec.domain', says: NO_DOMAIN },
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
  ...['hvm', 'PV', ''].map((value) => ({
    what: `type ${JSON.stringify(value)}`,
    spec: withDomain({ type: value }),
    field: 'spec.domain.type',
    says: 'type must be pv or pvh, or left out for pv',
  })),
  volume('kernel', '', "must not be empty: name the volume to boot, a file of the host's image directory"),
  volume('initrd', '', "must not be empty: name a volume, a file of the host's image directory, or leave it out"),
  ...volumes('kernel'),
  ...volumes('initrd'),
  ...['a\nb', 'a\tb', '\u0000', 'a\u007f', 'a\u0085b', 'a\uffffb'].map((value) => cmdline(value, ONE_LINE)),
  readiness('nothing', {}, '', EXACTLY_ONE),
  readiness('a period alone', { periodMilliseconds: 100 }, '', EXACTLY_ONE),
  readiness('two ways', { notify: {}, tcp: { port: 80 } }, '', EXACTLY_ONE),
  readiness('all ways', { notify: {}, tcp: { port: 80 }, http: { port: 80 } }, '', EXACTLY_ONE),
  readiness('tcp and no port', { tcp: {} }, '.tcp.port', `port is missing: ${TO_CONNECT}`),
  readiness('http and no port', { http: { path: '/' } }, '.http.port', `port is missing: ${SERVES_HTTP}`),
  ...[0, -1, 65_536].flatMap((port) => [
    readiness(`tcp port ${port}`, { tcp: { port } }, '.tcp.port', `port must be from 1 to 65535: ${TO_CONNECT}`),
    readiness(`http port ${port}`, { http: { port } }, '.http.port', `port must be from 1 to 65535: ${SERVES_HTTP}`),
  ]),
  ...['', 'healthz', '/a b', '/a#b', '/ä', '/a\r\nX: y'].map((path) =>
    readiness(`path ${JSON.stringify(path)}`, { http: { port: 80, path } }, '.http.path', PATH),
  ),
  ...(
    [
      [9, 'must be at least 10, or left out for 200'],
      [60_001, 'must be at most 60000 (a minute): lower it'],
    ] as const
  ).map(([ms, says]) =>
    readiness(
      `a period of ${ms} ms`,
      { notify: {}, periodMilliseconds: ms },
      '.periodMilliseconds',
      `periodMilliseconds ${says}`,
    ),
  ),
  readiness(
    'a time-out of 0 s',
    { notify: {}, timeoutSeconds: 0 },
    '.timeoutSeconds',
    'timeoutSeconds must be at least 1, or left out for no limit',
  ),
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
  policy('activeDeadlineSeconds', 0, 'must be at least 1, or left out for no deadline'),
  policy('activeDeadlineSeconds', 2 ** 31, 'must be at most 2147483647 (68 years): lower it or leave it out'),
  policy('backoffLimit', -1, 'must be at least 0, or left out for 0 (at most one start)'),
  policy('backoffLimit', 1001, 'must be at most 1000: lower it'),
  policy('ttlSecondsAfterFinished', -1, 'must be at least 0, or left out to keep the EphemeralDomain'),
  policy('ttlSecondsAfterFinished', 2 ** 31, 'must be at most 2147483647 (68 years): lower it or leave it out'),
  policy('startDeadlineSeconds', 0, 'must be at least 1, or left out for no deadline'),
  policy('startDeadlineSeconds', 2 ** 31, 'must be at most 2147483647 (68 years): lower it or leave it out'),
  policy('terminationGracePeriodSeconds', -1, 'must be at least 0, or left out for 30'),
  policy('terminationGracePeriodSeconds', 2 ** 31, 'must be at most 2147483647 (68 years): lower it or leave it out'),
  toleration(
    'no key and Equal',
    { operator: 'Equal', value: 'a' },
    'operator',
    'operator must be Exists where key is left out: name a key, or bear all taints with Exists',
  ),
  toleration(
    'Exists and a value',
    { key: 'a', operator: 'Exists', value: 'b' },
    'value',
    'value must be left out with operator Exists: remove it',
  ),
  toleration(
    'an unknown operator',
    { key: 'a', operator: 'In' },
    'operator',
    'operator must be Exists or Equal, or left out for Equal',
  ),
  toleration(
    'an unknown effect',
    { key: 'a', effect: 'NoRun' },
    'effect',
    'effect must be NoSchedule, PreferNoSchedule or NoExecute, or left out for all of them',
  ),
  toleration(
    'a key that is none',
    { key: 'a b', operator: 'Exists' },
    'key',
    "key must be a taint's key: write NAME or PREFIX/NAME, of letters, digits, -, _ and .",
  ),
  toleration(
    'a value that is none',
    { key: 'a', value: 'b c' },
    'value',
    'value must be one that a taint can have: at most 63 letters, digits, -, _ and ., beginning and ending with a letter ' +
      'or digit',
  ),
  selector('a key that is none', { matchLabels: { 'a b': 'c' } }, 'matchLabels', `matchLabels has a key ${LABEL_NAME}`),
  selector(
    'a value that is none',
    { matchLabels: { a: 'b c' } },
    'matchLabels',
    'matchLabels has a value that no label can have: at most 63 letters, digits, -, _ and ., beginning and ending with a ' +
      'letter or digit',
  ),
  requirement(
    'a key that is none',
    { key: '/', operator: 'Exists' },
    'key',
    `key must be a label name: ${LABEL_NAME.slice(23)}`,
  ),
  requirement(
    'an unknown operator',
    { key: 'a', operator: 'Is' },
    'operator',
    'operator must be In, NotIn, Exists or DoesNotExist',
  ),
  requirement(
    'In and no values',
    { key: 'a', operator: 'In' },
    'values',
    'values must not be empty with operator In or NotIn: list at least one',
  ),
  requirement(
    'Exists and values',
    { key: 'a', operator: 'Exists', values: ['b'] },
    'values',
    'values must be left out with operator Exists or DoesNotExist: remove them',
  ),
];

/** The same input as an EphemeralDomain, and within a template. */
export const asDomain = (input: BadInput, name: string): Manifest => ephemeralDomain(name, input.spec);
export const asTemplate = (input: BadInput, name: string): Manifest => template(name, input.spec ?? {});

import { SMALLEST, withDomain } from './support.ts';
import type { Fields } from './support.ts';

/** A spec that must be refused, and the sentence that says so. */
export interface BadInput {
  readonly what: string;
  readonly spec: Fields | undefined;
  readonly field: string;
  /** The sentence, after kubectl's `Invalid value: …: ` and the like. */
  readonly says: string;
  /** The sentence in a template, where it is another; null: a template cannot have this. */
  readonly saysInTemplate?: string | null;
}

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

/** Run policies, and readiness, that make no sense. */
export const BAD_POLICY: readonly BadInput[] = [
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

import type { BadInput } from './bad-input.ts';
import { SMALLEST } from './support.ts';
import type { Fields } from './support.ts';

const templateRef = (what: string, spec: Fields, field: string, says: string): BadInput => ({
  what,
  spec,
  field,
  says,
  saysInTemplate: null,
});

const parameter = (what: string, fields: Fields, field: string, says: string): BadInput => ({
  what: `a parameter with ${what}`,
  spec: { ...SMALLEST, parameters: [fields] },
  field: `spec.parameters[0].${field}`,
  says,
});

const BUILT_INS =
  'DOMAIN_NAME, DOMAIN_UUID, IP, PREFIX, NETMASK, GATEWAY, NOTIFY_HOST, NOTIFY_PORT, NOTIFY_URL, REQUEST_TIME, SECRETS_DISK';
const TEMPLATE_NAME =
  'name must be the name of an EphemeralDomainTemplate: lower-case letters, digits, - and ., at most 253';
const PARAMETER_NAME = 'name must be made of letters, digits and _, not beginning with a digit, at most 63: change it';
const ONE_LINE_VALUE = 'value must be one line without control characters: put blanks in place of line breaks and tabs';

const mapKey = (fields: Fields): Fields => ({
  name: 'A',
  valueFrom: { configMapKeyRef: { name: 'settings', key: 'a', ...fields } },
});

const secretKey = (fields: Fields): Fields => ({
  name: 'A',
  valueFrom: { secretKeyRef: { name: 'database', key: 'a', ...fields } },
});

/** What is refused of templateRef and parameters. */
export const BAD_PARAMETERS: readonly BadInput[] = [
  templateRef(
    'domain and templateRef',
    { ...SMALLEST, templateRef: { name: 'web' } },
    'spec.templateRef',
    'spec.templateRef and spec.domain exclude each other: name a template, or say what to run, and remove the other',
  ),
  templateRef(
    'a templateRef without a name',
    { templateRef: {} },
    'spec.templateRef.name',
    'name is missing: name an EphemeralDomainTemplate of this namespace',
  ),
  ...['', 'Web', 'a/b', '../web', 'a'.repeat(254)].map((name) =>
    templateRef(`templateRef ${name.slice(0, 8)}`, { templateRef: { name } }, 'spec.templateRef.name', TEMPLATE_NAME),
  ),
  ...['', '1A', 'A-B', 'A B', 'é', 'A\n', 'A'.repeat(64)].map((name) =>
    parameter(`the name ${JSON.stringify(name.slice(0, 8))}`, { name, value: '' }, 'name', PARAMETER_NAME),
  ),
  ...BUILT_INS.split(', ').map((name) =>
    parameter(
      `the built-in name ${name}`,
      { name, value: '' },
      'name',
      `name must not be one that Hatchery gives a value itself (${BUILT_INS}): choose another`,
    ),
  ),
  parameter(
    'neither value nor valueFrom',
    { name: 'A' },
    'value',
    'value is missing: give one (an empty one is allowed), or say where it is found as valueFrom',
  ),
  parameter(
    'value and valueFrom',
    { ...mapKey({}), value: '' },
    'valueFrom',
    'value and valueFrom exclude each other: remove one',
  ),
  ...['a\nb', 'a\tb', '\u0000', 'a\u007f', 'a\u0085b', 'a\uffffb'].map((value) =>
    parameter(`the value ${JSON.stringify(value)}`, { name: 'A', value }, 'value', ONE_LINE_VALUE),
  ),
  parameter(
    'a value too long',
    { name: 'A', value: '€'.repeat(342) },
    'value',
    'value must be at most 1023 bytes long, all that a command line holds: shorten it',
  ),
  parameter(
    'a valueFrom that says nothing',
    { name: 'A', valueFrom: {} },
    'valueFrom.configMapKeyRef',
    'valueFrom must say where: name a ConfigMap (configMapKeyRef) or a Secret (secretKeyRef) of this namespace, and a key in it',
  ),
  parameter(
    'a ConfigMap and a Secret',
    {
      name: 'A',
      valueFrom: { configMapKeyRef: { name: 'settings', key: 'a' }, secretKeyRef: { name: 'database', key: 'a' } },
    },
    'valueFrom.secretKeyRef',
    'configMapKeyRef and secretKeyRef exclude each other: remove one',
  ),
  parameter(
    'a Secret and a value',
    { ...secretKey({}), value: '' },
    'valueFrom',
    'value and valueFrom exclude each other: remove one',
  ),
  parameter(
    'no Secret',
    secretKey({ name: undefined }),
    'valueFrom.secretKeyRef.name',
    'name is missing: name a Secret of this namespace',
  ),
  parameter(
    'no key of a Secret',
    secretKey({ key: undefined }),
    'valueFrom.secretKeyRef.key',
    'key is missing: name a key of the Secret',
  ),
  ...['', '../secrets', 'Database', 'a b', 'other/database'].map((name) =>
    parameter(
      `the Secret ${JSON.stringify(name)}`,
      secretKey({ name }),
      'valueFrom.secretKeyRef.name',
      'name must be the name of a Secret: lower-case letters, digits, - and ., at most 253',
    ),
  ),
  ...['', 'a/b', 'a b'].map((key) =>
    parameter(
      `the key ${JSON.stringify(key)} of a Secret`,
      secretKey({ key }),
      'valueFrom.secretKeyRef.key',
      'key must be a key that a Secret can have: letters, digits, -, _ and ., at most 253',
    ),
  ),
  parameter(
    'no ConfigMap',
    mapKey({ name: undefined }),
    'valueFrom.configMapKeyRef.name',
    'name is missing: name a ConfigMap of this namespace',
  ),
  parameter(
    'no key',
    mapKey({ key: undefined }),
    'valueFrom.configMapKeyRef.key',
    'key is missing: name a key of the ConfigMap',
  ),
  ...['', '../secrets', 'Settings', 'a b'].map((name) =>
    parameter(
      `the ConfigMap ${JSON.stringify(name)}`,
      mapKey({ name }),
      'valueFrom.configMapKeyRef.name',
      'name must be the name of a ConfigMap: lower-case letters, digits, - and ., at most 253',
    ),
  ),
  ...['', 'a/b', 'a b'].map((key) =>
    parameter(
      `the key ${JSON.stringify(key)}`,
      mapKey({ key }),
      'valueFrom.configMapKeyRef.key',
      'key must be a key that a ConfigMap can have: letters, digits, -, _ and ., at most 253',
    ),
  ),
  {
    what: 'a parameter given twice',
    spec: {
      ...SMALLEST,
      parameters: [
        { name: 'A', value: '1' },
        { name: 'A', value: '2' },
      ],
    },
    field: 'spec.parameters[1]',
    says: 'Duplicate value: {"name":"A"}',
  },
];

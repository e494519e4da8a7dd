import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { sharedCluster, STARTUP_TIMEOUT_MS } from '#test/support/bed.ts';
import { applyAll, ephemeralDomain, useNamespaces, SMALLEST, template, withBoot, withDomain } from './support.ts';
import type { Fields, Verdicts } from './support.ts';

const NAMESPACE = 'crds-good-input';
const EXAMPLES = resolve(import.meta.dirname, '../../../examples');

const MOST = 2 ** 31 - 1;

const GOOD: readonly (readonly [what: string, spec: Fields])[] = [
  ['nothing that could be left out', SMALLEST],
  ['the least memory', withDomain({ memory: '1Mi' })],
  ['the most memory', withDomain({ memory: '16Ti' })],
  ['memory in bytes', withDomain({ memory: 67_108_864 })],
  ['memory in bytes as text', withDomain({ memory: '67108864' })],
  ['memory in powers of ten', withDomain({ memory: '1500M' })],
  ['memory with a fraction', withDomain({ memory: '1.5Gi' })],
  ['memory with an exponent', withDomain({ memory: '1e9' })],
  ['the most vcpus', withDomain({ vcpus: 512 })],
  ['type pv', withDomain({ type: 'pv' })],
  ['type pvh', withDomain({ type: 'pvh' })],
  ['type hvm', withDomain({ type: 'hvm' })],
  [
    'as many disks as there can be',
    withDomain({
      disks: [
        { name: 'a'.repeat(63), volume: 'v'.repeat(255) },
        { name: '0', volume: 'data.img' },
        { name: 'least', scratch: { size: '1Mi' } },
        { name: 'most', scratch: { size: '16Ti' } },
        { name: 'bytes', scratch: { size: 1_048_576 } },
        ...['f', 'g', 'h'].map((name) => ({ name, volume: 'data.img' })),
      ],
    }),
  ],
  ['no disks', withDomain({ disks: [] })],
  ['no interfaces', withDomain({ interfaces: [] })],
  ['an interface of which nothing is said', withDomain({ interfaces: [{}] })],
  ['an interface with a name', withDomain({ interfaces: [{ name: 'guest' }] })],
  ['a kernel with dots', withBoot({ kernel: 'vmlinuz-6.12.0..x86_64' })],
  ['a hidden file as kernel', withBoot({ kernel: '.kernel' })],
  ['a kernel with blanks and letters of any script', withBoot({ kernel: 'Kern für 小さい' })],
  ['the longest kernel', withBoot({ kernel: 'k'.repeat(255) })],
  ['the longest kernel in letters of two bytes', withBoot({ kernel: `${'ü'.repeat(127)}k` })],
  ['an initrd', withBoot({ initrd: 'hatchling-initrd' })],
  ['a console of which nothing is said', withDomain({ console: {} })],
  ['a console that is not captured', withDomain({ console: { captureBytes: 0 } })],
  ['a console of which the most is captured', withDomain({ console: { captureBytes: 65_536 } })],
  ['an empty command line', withBoot({ cmdline: '' })],
  ['the longest command line', withBoot({ cmdline: 'x'.repeat(1023) })],
  ['the longest command line in letters of three bytes', withBoot({ cmdline: '€'.repeat(341) })],
  ['a command line with quotes and XML', withBoot({ cmdline: `a="b c" <&> ]]> $(IP) $$ '` })],
  ['readiness by notify', withDomain({ readiness: { notify: {} } })],
  [
    'readiness by tcp, at the least',
    withDomain({ readiness: { tcp: { port: 1 }, periodMilliseconds: 10, timeoutSeconds: 1 } }),
  ],
  [
    'readiness by http, at the most',
    withDomain({
      readiness: {
        http: { port: 65_535, path: '/a?b=c&d=%20' },
        periodMilliseconds: 60_000,
        timeoutSeconds: 2 ** 31 - 1,
      },
    }),
  ],
  [
    'each run policy at its least',
    {
      ...SMALLEST,
      ...{ activeDeadlineSeconds: 1, backoffLimit: 0, ttlSecondsAfterFinished: 0, startDeadlineSeconds: 1 },
      ...{ terminationGracePeriodSeconds: 0, priority: -(2 ** 31), tolerations: [] },
    },
  ],
  [
    'each run policy at its most',
    {
      ...SMALLEST,
      ...{ activeDeadlineSeconds: MOST, backoffLimit: 1000, ttlSecondsAfterFinished: MOST, startDeadlineSeconds: MOST },
      ...{ terminationGracePeriodSeconds: MOST, priority: MOST },
      tolerations: Array.from({ length: 32 }, (_, i) => ({ key: `${'p'.repeat(253)}/k${i}`, value: 'v'.repeat(63) })),
    },
  ],
  [
    'each kind of toleration',
    {
      ...SMALLEST,
      tolerations: [
        { operator: 'Exists' },
        { key: 'gpu', operator: 'Exists', effect: 'NoExecute' },
        { key: 'example.org/dedicated', operator: 'Equal', value: 'batch', effect: 'NoSchedule' },
        { key: 'spot', value: '' },
        { key: '', operator: 'Exists', value: '', effect: 'PreferNoSchedule' },
      ],
    },
  ],
  ['no parameters', { ...SMALLEST, parameters: [] }],
  ['an empty value', { ...SMALLEST, parameters: [{ name: 'A', value: '' }] }],
  [
    'the longest name and value',
    { ...SMALLEST, parameters: [{ name: `_${'a'.repeat(62)}`, value: 'x'.repeat(1023) }] },
  ],
  ['a value that looks like a reference', { ...SMALLEST, parameters: [{ name: 'A', value: '$(IP) $$ <&>' }] }],
  [
    'the most parameters',
    { ...SMALLEST, parameters: Array.from({ length: 64 }, (_, i) => ({ name: `P${i}`, value: '€'.repeat(341) })) },
  ],
  [
    'a value from a ConfigMap',
    { ...SMALLEST, parameters: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'a.b-c', key: '.a_B-1' } } }] },
  ],
  [
    'a value from a Secret',
    { ...SMALLEST, parameters: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'a.b-c', key: '.a_B-1' } } }] },
  ],
  ['an empty hostSelector', { ...SMALLEST, hostSelector: {} }],
  [
    'a hostSelector with everything',
    {
      ...SMALLEST,
      hostSelector: {
        matchLabels: { 'example.org/disk': 'ssd', zone: '' },
        matchExpressions: [
          { key: 'zone', operator: 'In', values: ['a', 'b'] },
          { key: 'zone', operator: 'NotIn', values: ['c'] },
          { key: 'example.org/gpu', operator: 'DoesNotExist' },
          { key: 'disk', operator: 'Exists', values: [] },
        ],
      },
    },
  ],
];

/** What a template cannot have. */
const GOOD_ALONE: typeof GOOD = [
  ['a request at its least', { ...SMALLEST, request: { receivedTime: '2026-12-31T23:59:59Z' } }],
  [
    'a request at its most',
    {
      ...SMALLEST,
      request: {
        receivedTime: '2026-01-02T03:04:05.678901Z',
        notify: { host: '10.0.0.7', port: 65_535, token: '0123456789abcdef'.repeat(2) },
        avoidHosts: Array.from({ length: 16 }, (_, index) => `${index}${'x'.repeat(63)}`.slice(0, 63)),
      },
    },
  ],
];

describe('kubectl apply of an EphemeralDomain that makes sense', function () {
  this.timeout(60_000);
  let domains: Verdicts;
  let templates: Verdicts;

  useNamespaces(NAMESPACE);

  before(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    const command = ['apply', '--dry-run=server', '--namespace', NAMESPACE];
    domains = await applyAll(
      command,
      [...GOOD, ...GOOD_ALONE].map(([, spec], index) => ephemeralDomain(`good-${index}`, spec)),
    );
    templates = await applyAll(
      command,
      GOOD.map(([, spec], index) => template(`good-${index}`, spec)),
    );
  });

  for (const [index, [what]] of GOOD.entries()) {
    it(`is accepted with ${what}, alone and in a template`, () => {
      assert.deepEqual(domains.get(`good-${index}`), []);
      assert.deepEqual(templates.get(`good-${index}`), []);
    });
  }

  for (const [index, [what]] of GOOD_ALONE.entries()) {
    it(`is accepted with ${what}`, () => assert.deepEqual(domains.get(`good-${GOOD.length + index}`), []));
  }

  it('is accepted with a templateRef in place of domain, and nothing is filled in', async () => {
    const { kubectl } = await sharedCluster();
    const spec = { templateRef: { name: 'web.v1' } };
    const input = JSON.stringify(ephemeralDomain('of-a-template', spec));
    const stored = JSON.parse(
      await kubectl(['create', '--namespace', NAMESPACE, '-o', 'json', '-f', '-'], { input }),
    ) as { readonly spec: unknown };
    assert.deepEqual(stored.spec, spec);
  });

  it('stores any JSON Schema for a template’s parameters as it was written', async () => {
    const { kubectl } = await sharedCluster();
    const parametersSchema = { properties: { SIZE: { enum: ['small', 1, true, null], 'x-hint': { a: [] } } } };
    const pattern = template('with-schema', SMALLEST);
    const input = JSON.stringify({ ...pattern, spec: { ...(pattern['spec'] as Fields), parametersSchema } });
    const stored = JSON.parse(
      await kubectl(['create', '--namespace', NAMESPACE, '-o', 'json', '-f', '-'], { input }),
    ) as { readonly spec: { readonly parametersSchema: unknown } };
    assert.deepEqual(stored.spec.parametersSchema, parametersSchema);
  });

  it('fills in type and vcpus within domain, and nothing else', async () => {
    const { kubectl } = await sharedCluster();
    const input = JSON.stringify(ephemeralDomain('defaults', SMALLEST));
    const stored = JSON.parse(
      await kubectl(['create', '--namespace', NAMESPACE, '-o', 'json', '-f', '-'], { input }),
    ) as { readonly spec: unknown };
    assert.deepEqual(stored.spec, { domain: { ...SMALLEST.domain, type: 'pv', vcpus: 1 } });
  });

  it('fills in path and period within readiness', async () => {
    const { kubectl } = await sharedCluster();
    const input = JSON.stringify(ephemeralDomain('probed', withDomain({ readiness: { http: { port: 80 } } })));
    const stored = JSON.parse(
      await kubectl(['create', '--dry-run=server', '--namespace', NAMESPACE, '-o', 'json', '-f', '-'], { input }),
    ) as { readonly spec: { readonly domain: { readonly readiness: unknown } } };
    assert.deepEqual(stored.spec.domain.readiness, { http: { port: 80, path: '/' }, periodMilliseconds: 200 });
  });

  it('ignores a status that its creator writes', async () => {
    const { kubectl } = await sharedCluster();
    const input = JSON.stringify({ ...ephemeralDomain('own-status', SMALLEST), status: { phase: 'Succeeded' } });
    const stored = JSON.parse(
      await kubectl(['create', '--namespace', NAMESPACE, '-o', 'json', '-f', '-'], { input }),
    ) as { readonly status?: unknown };
    assert.equal(stored.status, undefined);
  });

  it('is what the examples are', async () => {
    const { kubectl } = await sharedCluster();
    const names = (await readdir(EXAMPLES)).filter((name) => name.endsWith('.yaml'));
    assert.ok(names.includes('hello.yaml'));
    for (const name of names) {
      await kubectl([
        'apply',
        '--dry-run=server',
        '--validate=strict',
        '--namespace',
        NAMESPACE,
        '-f',
        join(EXAMPLES, name),
      ]);
    }
  });
});

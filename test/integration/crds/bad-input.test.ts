import assert from 'node:assert/strict';

import { sharedCluster, STARTUP_TIMEOUT_MS } from '#test/support/bed.ts';
import { asDomain, asTemplate, BAD_INPUT } from './bad-input.ts';
import { applyAll, domainHost, ephemeralDomain, refusalOf, SMALLEST, template } from './support.ts';
import type { Verdicts } from './support.ts';

const APPLY = ['apply', '--dry-run=server', '--namespace=default'];

describe('kubectl apply of an EphemeralDomain that makes no sense', function () {
  this.timeout(60_000);
  let domains: Verdicts;
  let templates: Verdicts;

  before(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    await sharedCluster();
    domains = await applyAll(
      APPLY,
      BAD_INPUT.map((input, index) => asDomain(input, `bad-${index}`)),
    );
    templates = await applyAll(
      APPLY,
      BAD_INPUT.flatMap((input, index) => (input.saysInTemplate === null ? [] : [asTemplate(input, `bad-${index}`)])),
    );
  });

  for (const [index, { what, field, says }] of BAD_INPUT.entries()) {
    it(`is refused for ${what}`, () => {
      const faults = domains.get(`bad-${index}`) ?? [];
      const fault = faults.find((each) => each.field === field);
      assert.ok(fault !== undefined, `no word of ${field} in ${JSON.stringify(faults)}`);
      assert.ok(
        fault.message.endsWith(says),
        `${JSON.stringify(fault.message)} does not end with ${JSON.stringify(says)}`,
      );
    });
  }

  it('is refused in a template with the same sentences', () => {
    for (const [index, { what, field, says, saysInTemplate = says }] of BAD_INPUT.entries()) {
      if (saysInTemplate === null) continue;
      const faults = templates.get(`bad-${index}`) ?? [];
      const fault = faults.find((each) => each.field === `spec.template.${field}`);
      assert.ok(fault?.message.endsWith(saysInTemplate) === true, `${what}: ${JSON.stringify(faults)}`);
    }
  });

  it('is told all that is wrong at once', async () => {
    const spec = { domain: { memory: 'lots', vcpus: 0, type: 'xenpv', boot: { kernel: 'a/b', cmdline: 'a\nb' } } };
    const verdicts = await applyAll(APPLY, [ephemeralDomain('bad', spec)]);
    const fields = (verdicts.get('bad') ?? []).map(({ field }) => field).toSorted();
    assert.deepEqual(fields, [
      'spec.domain.boot.cmdline',
      'spec.domain.boot.kernel',
      'spec.domain.memory',
      'spec.domain.type',
      'spec.domain.vcpus',
    ]);
  });

  for (const [what, spec, path] of [
    ['a field that is misspelt', { ...SMALLEST, ttlSecondsAfterFinish: 5 }, 'spec.ttlSecondsAfterFinish'],
    ['a field within domain', { domain: { ...SMALLEST.domain, cpus: 2 } }, 'spec.domain.cpus'],
  ] as const) {
    it(`is refused for ${what}, by name`, async () => {
      const stderr = await refusalOf([...APPLY, '-f', '-'], JSON.stringify(ephemeralDomain('bad', spec)));
      assert.ok(stderr.includes(`unknown field "${path}"`), stderr);
    });
  }
});

describe('kubectl apply of an EphemeralDomainTemplate', function () {
  this.timeout(60_000);

  for (const [field, value] of [
    ['templateRef', { name: 'web' }],
    ['suspend', true],
    ['request', { receivedTime: '2026-01-02T03:04:05Z' }],
  ] as const) {
    it(`is refused for ${field}, which is each resource's own business, by name`, async () => {
      await sharedCluster();
      const nested = template('bad', { ...SMALLEST, [field]: value });
      const stderr = await refusalOf([...APPLY, '-f', '-'], JSON.stringify(nested));
      assert.ok(stderr.includes(`unknown field "spec.template.spec.${field}"`), stderr);
    });
  }
});

describe('kubectl apply of a DomainHost', function () {
  this.timeout(60_000);

  const BAD_HOSTS = [
    ['reservedMemory', 'much', 'reservedMemory must be a quantity: a number with a unit, such as 512Mi or 2Gi'],
    ['reservedMemory', '-1Gi', 'reservedMemory must be from 0 to 1Pi: change it, or leave it out'],
    ['maxDomains', 0, 'should be greater than or equal to 1'],
    ['maxStarting', 0, 'should be greater than or equal to 1'],
    ['mtu', 70_000, 'should be less than or equal to 65535'],
    ['bridge', 'a-name-longer-than-15', 'may not be more than 15 bytes'],
  ] as const;
  let verdicts: Verdicts;

  before(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    const bad = BAD_HOSTS.map(([field, value], index) =>
      domainHost(`bad-${index}`, { uri: 'test+tcp://127.0.0.1:1/default', [field]: value }),
    );
    const judgedLater = domainHost('judged-later', { uri: 'http://example.org', gateway: 'here', domainCIDR: 'there' });
    verdicts = await applyAll(['apply', '--dry-run=server'], [...bad, judgedLater]);
  });

  for (const [index, [field, value, says]] of BAD_HOSTS.entries()) {
    it(`is refused for ${field} ${JSON.stringify(value)}`, () => {
      const fault = (verdicts.get(`bad-${index}`) ?? []).find((each) => each.field === `spec.${field}`);
      assert.ok(fault?.message.includes(says) === true, JSON.stringify(verdicts.get(`bad-${index}`)));
    });
  }

  it('is refused for allowedNamespaces that no label can match', async () => {
    const allowedNamespaces = { matchExpressions: [{ key: 'team', operator: 'In' }] };
    const object = domainHost('bad-namespaces', { uri: 'test+tcp://127.0.0.1:1/default', allowedNamespaces });
    const stderr = await refusalOf(['apply', '--dry-run=server', '-f', '-'], JSON.stringify(object));
    assert.match(stderr, /spec\.allowedNamespaces\.matchExpressions\[0\]\.values: .*: values must not be empty/);
  });

  it('accepts what only the controller can judge, so that a bad host says so in its own status', () => {
    assert.deepEqual(verdicts.get('judged-later'), []);
  });
});

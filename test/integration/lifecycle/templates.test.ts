import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';

import { parseAllDocuments } from 'yaml';

import { EPHEMERAL_DOMAIN_TEMPLATES, EPHEMERAL_DOMAINS, findCondition } from '#controller/api/index.ts';
import type { EphemeralDomain, EphemeralDomainTemplate, Parameter } from '#controller/api/index.ts';
import { CONFIG_MAPS } from '#controller/kube/index.ts';
import { DumpFlags } from '#controller/libvirt/index.ts';
import { STARTUP_TIMEOUT_MS, TEST_TIMEOUT_MS } from '#test/support/bed.ts';
import { eventually } from '#test/support/eventually.ts';
import { createStage, finishedAs, inPhase } from './stage.ts';
import type { Stage } from './stage.ts';
import type { StageHost } from './stage-hosts.ts';

type TemplateSpec = EphemeralDomainTemplate['spec'];

const DOMAIN = {
  type: 'pv' as const,
  memory: '48Mi',
  vcpus: 1,
  boot: { kernel: 'hatchling', cmdline: '-mode $(MODE) -size $(SIZE) -ip $(IP) $$(MODE)' },
};
const MODE: Parameter = { name: 'MODE', value: 'run' };
const SIZE: Parameter = { name: 'SIZE', value: 'small' };
const SCHEMA = { properties: { SIZE: { enum: ['small', 'large'] } }, required: ['SIZE'] };
const fromMap = (name: string, map: string, key: string): Parameter => ({
  name,
  valueFrom: { configMapKeyRef: { name: map, key } },
});

describe('templates and parameters', function () {
  this.timeout(TEST_TIMEOUT_MS);
  let stage: Stage;
  let host: StageHost;

  before(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    stage = await createStage();
    host = await stage.host();
    await stage.controller({ options: { settleMs: 300 } });
  });
  after(() => stage.dispose());

  const makeTemplate = (name: string, spec: Partial<TemplateSpec['template']['spec']>, schema?: object) =>
    stage.rest.create(EPHEMERAL_DOMAIN_TEMPLATES, {
      metadata: { name, namespace: stage.namespace },
      spec: {
        template: { spec: { domain: DOMAIN, ...spec } },
        ...(schema === undefined ? {} : { parametersSchema: { ...schema } }),
      },
    });
  const create = (name: string, spec: Partial<EphemeralDomain['spec']>) =>
    stage.rest.create(EPHEMERAL_DOMAINS, { metadata: { name, namespace: stage.namespace }, spec });
  const makeMap = (name: string, data: Readonly<Record<string, string>>) =>
    stage.rest.create(CONFIG_MAPS, { metadata: { name, namespace: stage.namespace }, data });

  /** The command line that the host was given. */
  async function commandLineOf(resource: EphemeralDomain): Promise<string> {
    const xml = await host.client.getXmlDesc({ name: '', uuid: resource.status?.domain?.uuid ?? '' });
    return /<cmdline>(.*)<\/cmdline>/.exec(xml)?.[1] ?? '';
  }

  async function neverStarted(resource: EphemeralDomain): Promise<void> {
    assert.equal(resource.status?.host, undefined);
    assert.equal(resource.status?.domain, undefined);
    const listed = await host.client.listAllDomains();
    const xmls = await Promise.all(listed.map((domain) => host.client.getXmlDesc(domain)));
    assert.ok(!xmls.some((xml) => xml.includes(resource.metadata.uid)), 'the host was given it');
  }

  it('parameters of its own: expanded beside the built-in names, and not expanded again', async () => {
    const domain = { ...DOMAIN, boot: { kernel: 'hatchling', cmdline: '-mode $(MODE) -size $(SIZE) $(IP) $(OTHER)' } };
    await stage.create('own', { domain, parameters: [MODE, { name: 'SIZE', value: '$(MODE) $$ <&>' }] });
    const running = await stage.until('own', inPhase('Running'));
    const address = running.status?.address ?? '';
    assert.equal(await commandLineOf(running), `-mode run -size $(MODE) $$ &lt;&amp;&gt; ${address} $(OTHER)`);
    assert.equal(running.status?.resolved, undefined);
  });

  it('examples/template.yaml runs with its own parameters, and the template’s time to live', async () => {
    const pool = await host.client.poolLookupByName('hatchery');
    await host.client.volCreateXml(pool, '<volume><name>hatchling-initrd</name><capacity>1024</capacity></volume>');
    const text = await readFile(new URL('../../../examples/template.yaml', import.meta.url), 'utf8');
    const [template, made] = parseAllDocuments(text).map((document) => document.toJS() as EphemeralDomain);
    const metadata = (object?: EphemeralDomain) => ({ name: object?.metadata.name ?? '', namespace: stage.namespace });
    const pattern = template?.spec as unknown as TemplateSpec;
    await stage.rest.create(EPHEMERAL_DOMAIN_TEMPLATES, { metadata: metadata(template), spec: pattern });
    await stage.rest.create(EPHEMERAL_DOMAINS, { metadata: metadata(made), spec: made?.spec ?? {} });
    const running = await stage.until('from-template', inPhase('Running'));
    assert.equal(await commandLineOf(running), 'console=hvc0 quiet -mode hello -seconds 2');
    assert.equal(running.status?.resolved?.ttlSecondsAfterFinished, 3600);
  });

  it('a template: its domain, its parameters where the resource has none, and all of it stored with the binding', async () => {
    const template = await makeTemplate('web', {
      parameters: [MODE, SIZE],
      backoffLimit: 2,
      ttlSecondsAfterFinished: 77,
    });
    const ownSize = { name: 'SIZE', value: 'large' };
    await create('web', { templateRef: { name: 'web' }, parameters: [ownSize], backoffLimit: 1 });
    const running = await stage.until('web', inPhase('Running'));
    assert.equal(await commandLineOf(running), `-mode run -size large -ip ${running.status?.address ?? ''} $(MODE)`);
    assert.deepEqual(running.status?.resolved, {
      template: { name: 'web', uid: template.metadata.uid, generation: 1 },
      domain: DOMAIN,
      parameters: [MODE, ownSize],
      backoffLimit: 1,
      ttlSecondsAfterFinished: 77,
    });
  });

  it('edited, and then deleted: the domain that exists stays as it is, and so does its next attempt [end: template-changed]', async () => {
    const { metadata } = await makeTemplate('edited', { parameters: [MODE, SIZE], backoffLimit: 1 });
    await create('before', { templateRef: { name: 'edited' } });
    const first = await stage.until('before', inPhase('Running'));
    const spec = { template: { spec: { domain: { ...DOMAIN, boot: { kernel: 'other' } }, backoffLimit: 0 } } };
    await stage.rest.patch(EPHEMERAL_DOMAIN_TEMPLATES, metadata, { spec });
    await stage.rest.delete(EPHEMERAL_DOMAIN_TEMPLATES, metadata);
    await host.client.coreDump({ name: '', uuid: first.status?.domain?.uuid ?? '' }, '/dev/null', DumpFlags.crash);
    const second = await stage.until(
      'before',
      (resource) => {
        inPhase('Running')(resource);
        assert.equal(resource.status?.attempt, 2);
      },
      30_000,
    );
    assert.deepEqual(second.status?.resolved, first.status?.resolved);
    assert.match(await commandLineOf(second), /^-mode run -size small /);
  });

  it('no template of that name: told after 5 s, and bound as soon as there is one [end: template-missing]', async () => {
    await create('early', { templateRef: { name: 'late' } });
    const waiting = await stage.until('early', ({ status }) => assert.equal(status?.reason, 'TemplateNotFound'));
    assert.equal(waiting.status?.phase, 'Pending');
    assert.equal(
      waiting.status.message,
      `there is no EphemeralDomainTemplate "late" in namespace ${stage.namespace}: create it`,
    );
    const scheduled = findCondition(waiting.status.conditions, 'Scheduled');
    assert.equal(scheduled?.status, 'False');
    assert.ok(Date.parse(scheduled.lastTransitionTime) - Date.parse(waiting.metadata.creationTimestamp) >= 4_000);
    await makeTemplate('late', { parameters: [MODE, SIZE] });
    await stage.until('early', inPhase('Running'), 3_000);
  });

  it('parameters that do not suit: Failed, each named with what it wants, and nothing is started [end: parameters-invalid]', async () => {
    await makeTemplate('strict', { parameters: [MODE] }, SCHEMA);
    await create('medium', { templateRef: { name: 'strict' }, parameters: [{ name: 'SIZE', value: 'medium' }] });
    await create('sizeless', { templateRef: { name: 'strict' } });
    const medium = await stage.until('medium', finishedAs('Failed', 'InvalidParameters'), 4_000);
    assert.equal(medium.status?.message, 'parameter SIZE must be one of small, large (template strict)');
    await neverStarted(medium);
    const sizeless = await stage.until('sizeless', finishedAs('Failed', 'InvalidParameters'), 4_000);
    assert.equal(sizeless.status?.message, 'parameter SIZE is missing: give it a value (template strict)');
  });

  it('a schema that is none: Failed, with ajv’s words [end: template-invalid]', async () => {
    await makeTemplate('broken', {}, { properties: { SIZE: { type: 'text' } } });
    await create('broken', { templateRef: { name: 'broken' } });
    const failed = await stage.until('broken', finishedAs('Failed', 'InvalidTemplate'), 4_000);
    assert.match(failed.status?.message ?? '', /^template broken: parametersSchema: .*SIZE\/type must be/);
    await neverStarted(failed);
  });

  it('a schema’s default counts where nobody says a value', async () => {
    await makeTemplate('defaults', {}, { properties: { MODE: { default: 'hello' }, SIZE: { default: 3 } } });
    await create('defaults', { templateRef: { name: 'defaults' } });
    const running = await stage.until('defaults', inPhase('Running'));
    assert.match(await commandLineOf(running), /^-mode hello -size 3 /);
    assert.deepEqual(running.status?.resolved?.parameters, [
      { name: 'MODE', value: 'hello' },
      { name: 'SIZE', value: '3' },
    ]);
  });

  it('both hostSelectors must hold', async () => {
    await makeTemplate('picky', { hostSelector: { matchLabels: { 'kubernetes.io/hostname': host.name } } });
    await create('both', { templateRef: { name: 'picky' }, hostSelector: { matchLabels: { disk: 'ssd' } } });
    const waiting = await stage.until('both', ({ status }) => assert.equal(status?.reason, 'Unschedulable'));
    assert.equal(waiting.status?.message, '0/1 hosts: 1 does not match hostSelector');
  });

  it('a value from a ConfigMap: waits while map or key is missing, is read once it is there, and is stored nowhere [end: configmap-missing]', async () => {
    const { metadata } = await makeMap('half', { other: 'x' });
    await makeTemplate('mapped', { parameters: [MODE, fromMap('SIZE', 'settings', 'size')] }, SCHEMA);
    await create('mapless', { templateRef: { name: 'mapped' } });
    await create('keyless', { templateRef: { name: 'mapped' }, parameters: [fromMap('SIZE', 'half', 'size')] });
    const mapless = await stage.until('mapless', ({ status }) => assert.equal(status?.reason, 'ConfigMapNotFound'));
    const keyless = await stage.until('keyless', ({ status }) => assert.equal(status?.reason, 'ConfigMapNotFound'));
    assert.equal(mapless.status?.phase, 'Pending');
    const settings = `ConfigMap "settings" in namespace ${stage.namespace}`;
    assert.equal(mapless.status.message, `parameter SIZE: there is no ${settings}: create it`);
    assert.equal(keyless.status?.message, 'parameter SIZE: ConfigMap "half" has no key "size" in its data: add it');
    await neverStarted(mapless);
    await makeMap('settings', { size: 'large' });
    await stage.rest.patch(CONFIG_MAPS, metadata, { data: { size: 'small' } });
    const running = await stage.until('mapless', inPhase('Running'), 40_000);
    assert.match(await commandLineOf(running), /^-mode run -size large /);
    assert.ok(!JSON.stringify(running.status).includes('large'));
    const other = await stage.until('keyless', inPhase('Running'), 40_000);
    assert.match(await commandLineOf(other), /^-mode run -size small /);
  });

  it('what waits for a ConfigMap keeps no place: others start on the host meanwhile', async () => {
    const parameters = [fromMap('SIZE', 'never-there', 'size')];
    for (let i = 0; i < 12; i += 1) await stage.create(`lacking-${i}`, { parameters });
    await stage.until('lacking-11', ({ status }) => assert.equal(status?.reason, 'ConfigMapNotFound'));
    await stage.create('meanwhile');
    await stage.until('meanwhile', inPhase('Running'));
    await eventually(async () => {
      const { allocated } = (await stage.getHost(host.name)).status ?? {};
      assert.equal(allocated?.domains, (await host.client.listAllDomains()).length);
    });
  });

  it('a ConfigMap’s value that does not suit the schema: Failed, the value told to nobody [end: parameters-invalid]', async () => {
    await makeMap('sizes', { size: 'gigantic' });
    await makeTemplate('checked', { parameters: [MODE, fromMap('SIZE', 'sizes', 'size')] }, SCHEMA);
    await create('checked', { templateRef: { name: 'checked' } });
    const failed = await stage.until('checked', finishedAs('Failed', 'InvalidParameters'), 4_000);
    assert.equal(failed.status?.message, 'parameter SIZE must be one of small, large (template checked)');
    await neverStarted(failed);
  });

  it('a ConfigMap’s value that no command line can hold: Failed, the parameter named', async () => {
    await makeMap('lines', { two: 'a\nb', long: 'x'.repeat(1_100) });
    const domain = { ...DOMAIN, boot: { kernel: 'hatchling', cmdline: '$(TEXT)' } };
    await stage.create('two-lines', { domain, parameters: [fromMap('TEXT', 'lines', 'two')] });
    await stage.create('long-line', { domain, parameters: [fromMap('TEXT', 'lines', 'long')] });
    const two = await stage.until('two-lines', finishedAs('Failed', 'InvalidCommandLine'));
    assert.match(two.status?.message ?? '', /^parameter TEXT holds the control character U\+000A/);
    assert.ok(!host.starts.has(two.status?.domain?.uuid ?? ''));
    const long = await stage.until('long-line', finishedAs('Failed', 'InvalidParameters'));
    assert.match(long.status?.message ?? '', /^parameter TEXT: key "long" of ConfigMap "lines" has 1100 bytes/);
  });
});

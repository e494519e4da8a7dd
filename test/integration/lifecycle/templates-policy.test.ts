import assert from 'node:assert/strict';

import { DOMAIN_HOSTS, EPHEMERAL_DOMAIN_TEMPLATES, EPHEMERAL_DOMAINS, findCondition } from '#controller/api/index.ts';
import type { EphemeralDomainSpec, EphemeralDomainTemplate } from '#controller/api/index.ts';
import { NODES } from '#controller/kube/index.ts';
import { STARTUP_TIMEOUT_MS, TEST_TIMEOUT_MS } from '#test/support/bed.ts';
import { createPolicyStage, NOWHERE, suspendedAs, waitsAs } from './policy-stage.ts';
import type { PolicyStage } from './policy-stage.ts';
import { createStage, finishedAs, inPhase } from './stage.ts';
import type { Stage } from './stage.ts';

const DOMAIN = { type: 'pv' as const, memory: '48Mi', vcpus: 1, boot: { kernel: 'hatchling' } };
const TAINT = { key: 'dedicated', value: 'batch', effect: 'NoSchedule' };

type PatternSpec = EphemeralDomainTemplate['spec']['template']['spec'];
type OwnSpec = Omit<EphemeralDomainSpec, 'domain' | 'templateRef'>;

async function makeTemplate(stage: Stage, name: string, spec: Partial<PatternSpec>): Promise<void> {
  const template = { spec: { domain: DOMAIN, ...spec } };
  await stage.rest.create(EPHEMERAL_DOMAIN_TEMPLATES, {
    metadata: { name, namespace: stage.namespace },
    spec: { template },
  });
}

async function makeFrom(stage: Stage, template: string, name: string, own: OwnSpec = {}): Promise<void> {
  const metadata = { name, namespace: stage.namespace };
  await stage.rest.create(EPHEMERAL_DOMAINS, { metadata, spec: { templateRef: { name: template }, ...own } });
}

describe('where and when a template’s run policy places a domain', function () {
  this.timeout(TEST_TIMEOUT_MS);
  let stage: Stage;

  beforeEach(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    stage = await createStage();
  });
  afterEach(() => stage.dispose());

  it('its tolerations count, and the resource’s own in place of all of them', async () => {
    const host = await stage.host();
    await stage.rest.patch(NODES, { name: host.name }, { spec: { taints: [TAINT] } });
    await stage.controller();
    const tolerations = [{ key: TAINT.key, value: TAINT.value }];
    await makeTemplate(stage, 'bears', { tolerations });
    await makeTemplate(stage, 'bears-nothing', {});
    await makeFrom(stage, 'bears', 'by-template');
    await makeFrom(stage, 'bears', 'by-neither', { tolerations: [] });
    await makeFrom(stage, 'bears-nothing', 'by-itself', { tolerations });
    const running = await stage.until('by-template', inPhase('Running'));
    assert.deepEqual(running.status?.resolved?.tolerations, tolerations);
    await stage.until('by-itself', inPhase('Running'));
    const waiting = await stage.until('by-neither', waitsAs('Unschedulable'));
    assert.equal(waiting.status?.message, '0/1 hosts: 1 is tainted (dedicated=batch:NoSchedule)');
  });

  it('its priority counts, and the resource’s own before it', async () => {
    const host = await stage.host();
    await stage.controller();
    const end = async (name: string) =>
      host.client.shutdown({ name: '', uuid: (await stage.get(name)).status?.domain?.uuid ?? '' });
    await stage.create('first');
    await stage.until('first', inPhase('Running'));
    await stage.rest.patch(DOMAIN_HOSTS, { name: host.name }, { spec: { maxDomains: 1 } });
    await stage.create('plain');
    await stage.until('plain', waitsAs('Unschedulable'));
    await makeTemplate(stage, 'urgent', { priority: 10 });
    await makeFrom(stage, 'urgent', 'low', { priority: -1 });
    await makeFrom(stage, 'urgent', 'urgent');
    for (const name of ['low', 'urgent']) await stage.until(name, waitsAs('Unschedulable'));
    await end('first');
    const urgent = await stage.until('urgent', inPhase('Running'));
    assert.equal(urgent.status?.resolved?.priority, 10);
    await end('urgent');
    await stage.until('plain', inPhase('Running'));
    assert.equal((await stage.get('low')).status?.phase, 'Pending');
  });
});

describe('how a template’s run policy and readiness end a domain', function () {
  this.timeout(TEST_TIMEOUT_MS);
  let stage: PolicyStage;

  before(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    stage = await createPolicyStage();
  });
  after(() => stage.dispose());

  it('its startDeadlineSeconds count before it is ever bound, and the resource’s own before them', async () => {
    const pattern = { ...NOWHERE, startDeadlineSeconds: 1, ttlSecondsAfterFinished: 77 };
    await makeTemplate(stage, 'soon', pattern);
    await makeFrom(stage, 'soon', 'patient', { startDeadlineSeconds: 3600 });
    await makeFrom(stage, 'soon', 'late');
    const late = await stage.until('late', finishedAs('Failed', 'StartDeadlineExceeded'), 5_000);
    assert.equal(late.status?.resolved?.startDeadlineSeconds, 1);
    assert.equal(late.status.resolved.ttlSecondsAfterFinished, 77);
    await stage.until('patient', waitsAs('Unschedulable'));
  });

  it('its startDeadlineSeconds are those of the template as it is now, while nothing is bound', async () => {
    await makeTemplate(stage, 'edited', { ...NOWHERE, startDeadlineSeconds: 3600 });
    await makeFrom(stage, 'edited', 'edited');
    await stage.until('edited', waitsAs('Unschedulable'));
    const ref = { name: 'edited', namespace: stage.namespace };
    await stage.rest.patch(EPHEMERAL_DOMAIN_TEMPLATES, ref, {
      spec: { template: { spec: { startDeadlineSeconds: 1 } } },
    });
    await stage.until('edited', finishedAs('Failed', 'StartDeadlineExceeded'), 5_000);
  });

  it('its terminationGracePeriodSeconds count, and the resource’s own before them', async () => {
    await makeTemplate(stage, 'abrupt', { activeDeadlineSeconds: 1, terminationGracePeriodSeconds: 0 });
    await makeFrom(stage, 'abrupt', 'abrupt');
    await makeFrom(stage, 'abrupt', 'gentle', { terminationGracePeriodSeconds: 20 });
    const abrupt = await stage.until('abrupt', finishedAs('Failed', 'DeadlineExceeded'));
    assert.ok(!stage.tamper.asked.includes(abrupt.status?.domain?.uuid ?? ''));
    const gentle = await stage.until('gentle', finishedAs('Failed', 'DeadlineExceeded'));
    assert.ok(stage.tamper.asked.includes(gentle.status?.domain?.uuid ?? ''));
    assert.equal(gentle.status?.resolved?.terminationGracePeriodSeconds, 20);
  });

  it('its readiness counts: Running and not Ready, and Failed once timeoutSeconds are over', async () => {
    const readiness = { notify: {}, periodMilliseconds: 200, timeoutSeconds: 2 };
    await makeTemplate(stage, 'silent', { domain: { ...DOMAIN, readiness } });
    await makeFrom(stage, 'silent', 'silent');
    const running = await stage.until('silent', inPhase('Running'));
    assert.equal(findCondition(running.status?.conditions, 'Ready')?.reason, 'NotReadyYet');
    assert.deepEqual(running.status?.resolved?.domain.readiness, readiness);
    await stage.until('silent', finishedAs('Failed', 'ReadinessTimeout'));
  });

  it('suspended by its own word: not placed, though its template is there, until that is taken back', async () => {
    await makeTemplate(stage, 'held', {});
    await makeFrom(stage, 'held', 'held', { suspend: true });
    await stage.until('held', suspendedAs('True', 'Suspended'));
    await stage.suspend('held', false);
    await stage.until('held', inPhase('Running'));
  });
});

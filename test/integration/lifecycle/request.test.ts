import assert from 'node:assert/strict';

import { EPHEMERAL_DOMAIN_TEMPLATES, findCondition } from '#controller/api/index.ts';
import type { EphemeralDomainSpec } from '#controller/api/index.ts';
import { STARTUP_TIMEOUT_MS, TEST_TIMEOUT_MS } from '#test/support/bed.ts';
import { createStage, inPhase } from './stage.ts';
import type { Stage } from './stage.ts';
import type { StageHost } from './stage-hosts.ts';

const TOKEN = '0123456789abcdef'.repeat(2);
const NOTIFY = { host: '192.0.2.7', port: 9404, token: TOKEN };
const REQUEST = { receivedTime: '2026-01-02T03:04:05.678901Z', notify: NOTIFY };
const WORDS = '-notify $(NOTIFY_URL) -at $(NOTIFY_HOST):$(NOTIFY_PORT) -ts_req_received $(REQUEST_TIME)';

describe('an EphemeralDomain that its creator serves itself (spec.request)', function () {
  this.timeout(TEST_TIMEOUT_MS);
  let stage: Stage;
  let hosts: readonly StageHost[];

  before(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    stage = await createStage();
    hosts = [await stage.host(), await stage.host()];
    await stage.controller({ options: { settleMs: 300 } });
    for (const { name } of hosts) await stage.untilHost(name, 'True');
    const boot = { kernel: 'hatchling', cmdline: WORDS };
    const readiness = { notify: {}, periodMilliseconds: 200, timeoutSeconds: 1 };
    await stage.rest.create(EPHEMERAL_DOMAIN_TEMPLATES, {
      metadata: { name: 'web', namespace: stage.namespace },
      spec: { template: { spec: { domain: { type: 'pv', memory: '64Mi', vcpus: 1, boot, readiness } } } },
    });
  });
  after(() => stage.dispose());

  const create = (name: string, spec: EphemeralDomainSpec) =>
    stage.create(name, { domain: undefined, ...spec } as EphemeralDomainSpec);

  it('its guest is told of the creator’s port and token, and of the request’s time, also from a template', async () => {
    await create('served', { templateRef: { name: 'web' }, request: REQUEST });
    const { status } = await stage.until('served', inPhase('Running'));
    const host = hosts.find(({ name }) => name === status?.host);
    const xml = await host?.client.getXmlDesc({ name: '', uuid: status?.domain?.uuid ?? '' });
    const cmdline = `-notify http://192.0.2.7:9404/${TOKEN} -at 192.0.2.7:9404 -ts_req_received 1767323045.678901`;
    assert.ok(xml?.includes(`<cmdline>${cmdline}</cmdline>`) === true, xml);
    assert.ok(!JSON.stringify(status).includes(TOKEN));
  });

  it('the controller neither calls it ready nor destroys it for not being so in time', async () => {
    await create('patient', { templateRef: { name: 'web' }, request: REQUEST });
    const judged = stage.create('timed', {
      domain: { ...(await patternOf('web')), boot: { kernel: 'hatchling' } },
    });
    await judged;
    // One that the controller judges is over by then.
    await stage.until('timed', ({ status }) => assert.equal(status?.reason, 'ReadinessTimeout'));
    const { status } = await stage.get('patient');
    assert.equal(status?.phase, 'Running');
    assert.deepEqual(findCondition(status.conditions, 'Ready')?.reason, 'NotReadyYet');
    assert.equal(status.timeline?.ready, undefined);
  });

  it('hosts to avoid are taken only where no other host has room', async () => {
    const [first, second] = hosts.map(({ name }) => name);
    for (const [index, avoided] of [first, second, first, second].entries()) {
      const name = `avoids-${index}`;
      await create(name, { templateRef: { name: 'web' }, request: { ...REQUEST, avoidHosts: [avoided ?? ''] } });
      const { status } = await stage.until(name, inPhase('Running'));
      assert.equal(status?.host, avoided === first ? second : first);
    }
    const hostSelector = { matchLabels: { 'kubernetes.io/hostname': first ?? '' } };
    const request = { ...REQUEST, avoidHosts: [first ?? ''] };
    await create('has-to', { templateRef: { name: 'web' }, hostSelector, request });
    assert.equal((await stage.until('has-to', inPhase('Running'))).status?.host, first);
  });

  async function patternOf(name: string) {
    const ref = { name, namespace: stage.namespace };
    return (await stage.rest.get(EPHEMERAL_DOMAIN_TEMPLATES, ref)).spec.template.spec.domain;
  }
});

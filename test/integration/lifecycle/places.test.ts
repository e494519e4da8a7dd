import assert from 'node:assert/strict';

import { DOMAIN_HOSTS, findCondition } from '#controller/api/index.ts';
import { NODES } from '#controller/kube/index.ts';
import { STARTUP_TIMEOUT_MS, TEST_TIMEOUT_MS } from '#test/support/bed.ts';
import { eventually } from '#test/support/eventually.ts';
import { createStage, inPhase } from './stage.ts';
import type { Stage } from './stage.ts';

describe('where a domain is placed', function () {
  this.timeout(TEST_TIMEOUT_MS);
  let stage: Stage;

  beforeEach(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    stage = await createStage();
  });
  afterEach(() => stage.dispose());

  async function ready(name: string, status: string, reason?: string): Promise<string> {
    return eventually(async () => {
      const condition = findCondition((await stage.getHost(name)).status?.conditions, 'Ready');
      assert.equal(condition?.status, status);
      if (reason !== undefined) assert.equal(condition.reason, reason);
      return condition.message;
    });
  }

  it('a host whose spec makes no sense is not Ready and says why; the other one works on [end: host-spec-invalid]', async () => {
    const bad = await stage.host({ 'hatchery.dev/domain-cidr': '198.19.250.7/24' });
    const good = await stage.host();
    await stage.controller();
    const message = await ready(bad.name, 'False', 'InvalidSpec');
    assert.match(message, /spec\.domainCIDR: .*198\.19\.250\.0\/24/);
    await ready(good.name, 'True');
    await stage.create('elsewhere');
    const running = await stage.until('elsewhere', inPhase('Running'));
    assert.equal(running.status?.host, good.name);

    await stage.rest.patch(DOMAIN_HOSTS, { name: bad.name }, { spec: { domainCIDR: '198.19.250.0/24' } });
    await ready(bad.name, 'True');
  });

  it('no host fits: why is told after 5 s, with counts, and it is bound once one does [end: no-host-fits]', async () => {
    const host = await stage.host();
    await stage.controller();
    await ready(host.name, 'True');
    await stage.create('picky', { hostSelector: { matchLabels: { disk: 'ssd' } } });
    await stage.create('huge', {
      domain: { type: 'pv', memory: '8Ti', vcpus: 1, boot: { kernel: 'hatchling' } },
    });
    const waiting = await stage.until('picky', ({ status }) => assert.equal(status?.reason, 'Unschedulable'));
    const told = Date.parse(findCondition(waiting.status?.conditions, 'Scheduled')?.lastTransitionTime ?? '');
    assert.ok(told - Date.parse(waiting.metadata.creationTimestamp) >= 4_000, 'told too early');
    assert.equal(waiting.status?.message, '0/1 hosts: 1 does not match hostSelector');
    const huge = await stage.until('huge', ({ status }) => assert.equal(status?.reason, 'Unschedulable'));
    assert.match(
      huge.status?.message ?? '',
      /^0\/1 hosts: 1 has not enough memory \(asked 8192Gi, most free \d+[MG]i\)$/,
    );

    await stage.rest.patch(NODES, { name: host.name }, { metadata: { labels: { disk: 'ssd' } } });
    await stage.until('picky', inPhase('Running'));
  });

  it('a Node that is cordoned, or no longer labelled, gets nothing new [end: host-cordoned]', async () => {
    const host = await stage.host();
    const other = await stage.host();
    await stage.controller();
    await ready(host.name, 'True');
    await ready(other.name, 'True');
    await stage.rest.patch(NODES, { name: host.name }, { spec: { unschedulable: true } });
    await stage.rest.patch(NODES, { name: other.name }, { metadata: { labels: { [stage.label.key]: null } } });
    await ready(other.name, 'False', 'NodeRemoved');
    await stage.create('nowhere');
    const waiting = await stage.until('nowhere', ({ status }) => assert.equal(status?.reason, 'Unschedulable'));
    assert.match(waiting.status?.message ?? '', /cordoned/);
    assert.match(waiting.status?.message ?? '', /NodeRemoved/);
    await stage.rest.patch(NODES, { name: host.name }, { spec: { unschedulable: null } });
    const running = await stage.until('nowhere', inPhase('Running'));
    assert.equal(running.status?.host, host.name);
  });

  it('another pool over the image directory: not Ready, and the pool named [end: image-directory-in-use]', async () => {
    const host = await stage.host({ 'hatchery.dev/image-directory': '/default-pool' });
    await host.client.poolDestroy(await host.client.poolLookupByName('hatchery'));
    await stage.controller();
    const message = await ready(host.name, 'False', 'ImageDirectoryInUse');
    assert.match(message, /default-pool/);
  });
});

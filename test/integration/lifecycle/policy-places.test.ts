import assert from 'node:assert/strict';

import { DOMAIN_HOSTS, EPHEMERAL_DOMAINS } from '#controller/api/index.ts';
import { NAMESPACES, NODES } from '#controller/kube/index.ts';
import { STARTUP_TIMEOUT_MS } from '#test/support/bed.ts';
import { createStage, inPhase } from './stage.ts';
import type { Stage } from './stage.ts';
import type { StageHost } from './stage-hosts.ts';

const TAINT = { key: 'dedicated', value: 'batch', effect: 'NoSchedule' };

describe('where and when the run policy places a domain', function () {
  this.timeout(STARTUP_TIMEOUT_MS);
  let stage: Stage;
  let host: StageHost;

  beforeEach(async () => {
    stage = await createStage();
    host = await stage.host();
  });
  afterEach(() => stage.dispose());

  /** Waits until it is told why it waits; returns that. */
  async function waits(name: string): Promise<string> {
    const waiting = await stage.until(name, ({ status }) => assert.equal(status?.reason, 'Unschedulable'));
    return waiting.status?.message ?? '';
  }

  it('a tainted Node: only what tolerates it', async () => {
    await stage.rest.patch(NODES, { name: host.name }, { spec: { taints: [TAINT] } });
    await stage.controller();
    await stage.create('plain');
    await stage.create('bears', { tolerations: [{ key: 'dedicated', operator: 'Equal', value: 'batch' }] });
    await stage.create('bears-another', { tolerations: [{ key: 'dedicated', value: 'web' }] });
    await stage.until('bears', inPhase('Running'));
    for (const name of ['plain', 'bears-another']) {
      assert.equal(await waits(name), '0/1 hosts: 1 is tainted (dedicated=batch:NoSchedule)');
    }
  });

  it('a cordoned Node: nothing, whatever is tolerated', async () => {
    await stage.rest.patch(NODES, { name: host.name }, { spec: { unschedulable: true } });
    await stage.controller();
    await stage.create('bears-all', { tolerations: [{ operator: 'Exists' }] });
    assert.match(await waits('bears-all'), /1 is cordoned/);
  });

  it('a host that does not allow a namespace: nothing of it, until the Namespace or the host is changed', async () => {
    await stage.controller();
    await stage.create('before');
    await stage.until('before', inPhase('Running'));
    const allow = (matchLabels: Readonly<Record<string, string | null>>) =>
      stage.rest.patch(DOMAIN_HOSTS, { name: host.name }, { spec: { allowedNamespaces: { matchLabels } } });
    await allow({ team: 'a' });
    await stage.create('by-label');
    assert.equal(await waits('by-label'), `0/1 hosts: 1 does not allow namespace ${stage.namespace}`);
    assert.equal((await stage.get('before')).status?.phase, 'Running');
    await stage.rest.patch(NAMESPACES, { name: stage.namespace }, { metadata: { labels: { team: 'a' } } });
    await stage.until('by-label', inPhase('Running'));

    await allow({ team: 'b' });
    await stage.create('by-name');
    await waits('by-name');
    await allow({ team: null, 'kubernetes.io/metadata.name': stage.namespace });
    await stage.until('by-name', inPhase('Running'));
  });

  it('a place comes free: the most urgent goes first, though one that no host can take is more urgent', async () => {
    await stage.controller();
    await stage.create('first');
    const first = await stage.until('first', inPhase('Running'));
    await stage.rest.patch(DOMAIN_HOSTS, { name: host.name }, { spec: { maxDomains: 1 } });
    await stage.create('plain');
    assert.match(await waits('plain'), /maxDomains/);
    const huge = { type: 'pv' as const, memory: '8Ti', vcpus: 1, boot: { kernel: 'hatchling' } };
    await stage.create('impossible', { domain: huge, priority: 1_000 });
    await stage.create('urgent', { priority: 10 });
    await stage.create('low', { priority: -1 });
    for (const name of ['impossible', 'urgent', 'low']) await waits(name);

    await host.client.shutdown({ name: '', uuid: first.status?.domain?.uuid ?? '' });
    await stage.until('urgent', inPhase('Running'));
    const { items } = await stage.rest.list(EPHEMERAL_DOMAINS, { namespace: stage.namespace });
    const waiting = items.filter(({ status }) => status?.phase === 'Pending').map(({ metadata }) => metadata.name);
    assert.deepEqual(waiting.toSorted(), ['impossible', 'low', 'plain']);
  });
});

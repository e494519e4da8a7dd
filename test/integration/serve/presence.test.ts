import assert from 'node:assert/strict';

import { EPHEMERAL_DOMAINS } from '#controller/api/index.ts';
import { presenceRoute } from '#controller/serve/index.ts';
import type { Cluster } from '#hack/cluster/cluster.ts';
import { sharedCluster, STARTUP_TIMEOUT_MS } from '#test/support/bed.ts';
import { eventually } from '#test/support/eventually.ts';
import { createStage, inPhase } from '../lifecycle/stage.ts';
import type { RunningController, Stage } from '../lifecycle/stage.ts';
import type { StageHost } from '../lifecycle/stage-hosts.ts';
import { tokenOf } from './clients.ts';
import { openTestPort } from './port.ts';
import type { Asked, TestPort } from './port.ts';

describe('POST /presence at a real API server', function () {
  this.timeout(60_000);
  let cluster: Cluster;
  let stage: Stage;
  let host: StageHost;
  let controller: RunningController;
  let port: TestPort;
  let token: string;
  let acts = true;

  before(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    cluster = await sharedCluster();
    stage = await createStage();
    host = await stage.host();
    controller = await stage.controller({ options: { settleMs: 300 } });
    await stage.untilHost(host.name, 'True');
    const { namespace } = stage;
    for (const account of ['ingress', 'nobody'])
      await cluster.kubectl(['create', 'serviceaccount', account, '-n', namespace]);
    await cluster.kubectl([
      ...['create', 'rolebinding', 'ingress', '-n', namespace, '--clusterrole=hatchery-ingress'],
      `--serviceaccount=${namespace}:ingress`,
    ]);
    const lease = { namespace: 'hatchery-system', name: 'hatchery-controller' };
    port = await openTestPort((callers) => ({
      presence: presenceRoute({ callers, source: () => (acts ? controller : undefined), lease }),
    }));
    token = await tokenOf('ingress', stage.namespace);
  });

  after(async () => {
    await port.close();
    await stage.dispose();
  });

  const ask = (domains: readonly unknown[], asking = { token }): Promise<Asked> =>
    port.ask(`/presence/${stage.namespace}`, { method: 'POST', body: JSON.stringify({ domains }), ...asking });

  it('tells who may list EphemeralDomains that one is there until its host no longer has it', async () => {
    await stage.create('left');
    const { metadata, status } = await stage.until('left', inPhase('Running'));
    const { name, uid } = metadata;
    const question = [{ name, uid, host: status?.host }];
    assert.deepEqual(await ask(question), { status: 200, body: JSON.stringify({ present: [uid] }) });
    await stage.rest.delete(EPHEMERAL_DOMAINS, metadata);
    await eventually(async () => {
      const { body } = await ask(question);
      // Asked for after the answer: what is said to be gone is gone.
      const listed = (await host.client.listAllDomains()).map(({ uuid }) => uuid);
      assert.deepEqual(JSON.parse(body), { present: [] });
      assert.ok(!listed.includes(status?.domain?.uuid ?? ''));
    });
  });

  it('tells of one that never was that it is gone', async () => {
    assert.deepEqual(await ask([{ name: 'never', uid: 'u-0' }]), { status: 200, body: '{"present":[]}' });
  });

  it('tells nobody else: 401 whom the cluster does not know, 403 who may not list them', async () => {
    assert.equal((await ask([], { token: 'nobody.gave.this' })).status, 401);
    const { status, body } = await ask([], { token: await tokenOf('nobody', stage.namespace) });
    assert.equal(status, 403);
    assert.match(body, /may not list ephemeraldomains in namespace/);
    assert.equal((await port.ask('/presence/default', { method: 'POST', token, body: '{}' })).status, 403);
  });

  it('answers 400 to what makes no sense, 413 to too much, 405 to what is no POST, 404 to other paths', async () => {
    const path = `/presence/${stage.namespace}`;
    const post = { method: 'POST', token } as const;
    assert.equal((await port.ask(path, { ...post, body: '{}' })).status, 400);
    assert.equal((await port.ask(path, { ...post, body: 'x'.repeat(50_000) })).status, 413);
    assert.equal((await port.ask(path, { token })).status, 405);
    assert.equal((await port.ask(`${path}/x`, post)).status, 404);
  });

  it('answers 503 where it stands by', async () => {
    acts = false;
    const { status } = await ask([]);
    acts = true;
    assert.equal(status, 503);
  });
});

import assert from 'node:assert/strict';

import { EPHEMERAL_DOMAINS } from '#controller/api/index.ts';
import { STARTUP_TIMEOUT_MS, TEST_TIMEOUT_MS } from '#test/support/bed.ts';
import { eventually } from '#test/support/eventually.ts';
import { proxyTo } from '../kube/support.ts';
import type { Proxy } from '../kube/support.ts';
import { createStage, finishedAs, inPhase } from './stage.ts';
import type { Stage } from './stage.ts';
import type { StageHost } from './stage-hosts.ts';

describe('an API server that is away from the controller', function () {
  this.timeout(TEST_TIMEOUT_MS);
  let stage: Stage;
  let host: StageHost;
  let proxy: Proxy;

  beforeEach(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    stage = await createStage();
    host = await stage.host();
    proxy = await proxyTo(() => stage.server);
    await stage.controller({ server: proxy.server, options: { settleMs: 300 } });
    await stage.untilHost(host.name, 'True');
  });
  afterEach(async () => {
    // A controller that cannot reach the server would be waited for.
    back();
    await stage.dispose();
    await proxy[Symbol.asyncDispose]();
  });

  function leave(): void {
    proxy.refuse(true);
    proxy.cut();
  }

  function back(): void {
    proxy.refuse(false);
  }

  async function endsWell(name: string): Promise<void> {
    const running = await stage.until(name, inPhase('Running'), 40_000);
    const uuid = running.status?.domain?.uuid ?? '';
    await host.client.shutdown({ name: '', uuid });
    const done = await stage.until(name, finishedAs('Succeeded', 'PowerOff'));
    assert.equal(done.status?.attempt, 1);
    assert.equal(host.starts.get(uuid), 1);
    await eventually(async () => assert.deepEqual(await host.client.listAllDomains(), []));
  }

  it('as it is created: bound once the server is back [end: api-away-pending]', async () => {
    leave();
    await stage.create('new');
    back();
    await endsWell('new');
  });

  it('while its domain starts: it runs, and Running is stored once the server is back [end: api-away-scheduled]', async () => {
    host.libvirtd.pause();
    try {
      await stage.create('starting');
      await stage.until('starting', inPhase('Scheduled'));
      leave();
    } finally {
      host.libvirtd.resume();
    }
    await eventually(() => assert.equal(host.starts.size, 1));
    assert.equal((await stage.get('starting')).status?.phase, 'Scheduled');
    back();
    await endsWell('starting');
  });

  it('as it ends: its trace stays until the end is stored [end: api-away-running]', async () => {
    await stage.create('ending');
    const running = await stage.until('ending', inPhase('Running'));
    const uuid = running.status?.domain?.uuid ?? '';
    leave();
    await host.client.shutdown({ name: '', uuid });
    await eventually(async () => assert.equal((await host.client.getState({ name: '', uuid })).state, 'shutoff'));
    assert.equal((await stage.get('ending')).status?.phase, 'Running');
    back();
    await stage.until('ending', finishedAs('Succeeded', 'PowerOff'), 40_000);
    assert.equal(host.starts.get(uuid), 1);
    await eventually(async () => assert.deepEqual(await host.client.listAllDomains(), []));
  });

  it('as it is deleted: its domain is destroyed once the server is back [end: api-away-deleted]', async () => {
    await stage.create('gone');
    await stage.until('gone', inPhase('Running'));
    leave();
    await stage.rest.delete(EPHEMERAL_DOMAINS, { name: 'gone', namespace: stage.namespace });
    assert.equal((await host.client.listAllDomains()).length, 1);
    back();
    await eventually(async () => assert.deepEqual(await host.client.listAllDomains(), []), { timeoutMs: 40_000 });
  });

  it('as its time to live runs out: deleted once the server is back [end: api-away-finished]', async () => {
    await stage.create('kept', { ttlSecondsAfterFinished: 2 });
    const uuid = (await stage.until('kept', inPhase('Running'))).status?.domain?.uuid ?? '';
    await host.client.shutdown({ name: '', uuid });
    await stage.until('kept', finishedAs('Succeeded'));
    leave();
    await eventually(async () => {
      const { completionTime = '' } = (await stage.get('kept')).status ?? {};
      assert.ok(Date.now() > Date.parse(completionTime) + 3_000, 'its time is not over yet');
    });
    back();
    await eventually(
      async () => {
        const { items } = await stage.rest.list(EPHEMERAL_DOMAINS, { namespace: stage.namespace });
        assert.deepEqual(items, []);
      },
      { timeoutMs: 40_000 },
    );
  });
});

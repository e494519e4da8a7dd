import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

import { findCondition } from '#controller/api/index.ts';
import type { StoragePool } from '#controller/libvirt/index.ts';
import { STARTUP_TIMEOUT_MS, TEST_TIMEOUT_MS } from '#test/support/bed.ts';
import { eventually } from '#test/support/eventually.ts';
import { createStage, finishedAs, inPhase } from './stage.ts';
import type { Stage } from './stage.ts';
import { makePool } from './stage-hosts.ts';
import type { StageHost } from './stage-hosts.ts';

describe('the image pool of a host that is destroyed while the controller is connected', function () {
  this.timeout(TEST_TIMEOUT_MS);
  let stage: Stage;
  let host: StageHost;
  let pool: StoragePool;

  beforeEach(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    stage = await createStage();
    host = await stage.host();
    await stage.controller();
    await stage.untilHost(host.name, 'True');
    pool = await host.client.poolLookupByName('hatchery');
    await stage.create('steady');
    await stage.until('steady', inPhase('Running'));
  });
  afterEach(() => stage.dispose());

  async function steadyGoesOn(): Promise<void> {
    const { status } = await stage.get('steady');
    assert.equal(status?.phase, 'Running');
    await host.client.shutdown({ name: '', uuid: status.domain?.uuid ?? '' });
    await stage.until('steady', finishedAs('Succeeded', 'PowerOff'));
  }

  it('is made again under its UUID, so that the boot is the same: what is bound is no HostRebooted [end: pool-lost]', async () => {
    await host.client.poolDestroy(pool);
    await stage.create('next');
    // The test driver's images are gone with the pool.
    await stage.until('next', finishedAs('Failed', 'ImageNotFound'));
    assert.deepEqual(await host.client.poolLookupByName('hatchery'), pool);
    await stage.untilHost(host.name, 'True');
    await host.client.volCreateXml(pool, '<volume><name>hatchling</name><capacity>1024</capacity></volume>');
    await stage.create('later');
    await stage.until('later', inPhase('Running'));
    await steadyGoesOn();
  });

  it('and cannot be made again: not Ready until it can, and what is bound waits for it [end: pool-lost]', async () => {
    await host.client.poolDestroy(pool);
    const intruder = await makePool(host.client, 'intruder', randomUUID());
    await stage.create('next');
    const message = await eventually(async () => {
      const ready = findCondition((await stage.getHost(host.name)).status?.conditions, 'Ready');
      assert.deepEqual([ready?.status, ready?.reason], ['False', 'ImageDirectoryInUse']);
      return ready?.message ?? '';
    });
    assert.match(message, /the pool intruder lies over/);
    assert.equal((await stage.get('next')).status?.phase, 'Scheduled');
    await steadyGoesOn();

    await host.client.poolDestroy(intruder);
    await stage.untilHost(host.name, 'True');
    await stage.until('next', finishedAs('Failed', 'ImageNotFound'));
  });
});

import assert from 'node:assert/strict';

import { isTrue } from '#controller/api/index.ts';
import { STARTUP_TIMEOUT_MS } from '#test/support/bed.ts';
import { eventually } from '#test/support/eventually.ts';
import { createStage, finishedAs, inPhase } from './stage.ts';
import type { Stage } from './stage.ts';

describe('the path of one EphemeralDomain, on the test driver', function () {
  this.timeout(STARTUP_TIMEOUT_MS);
  let stage: Stage;

  before(async () => {
    stage = await createStage();
  });
  after(() => stage.dispose());

  it('is bound, started, seen to run and to end, with three status patches in all', async () => {
    const host = await stage.host();
    const controller = await stage.controller();
    await stage.create('hello');
    const running = await stage.until('hello', inPhase('Running'));
    assert.ok(isTrue(running.status?.conditions, 'Scheduled'));
    assert.ok(isTrue(running.status?.conditions, 'Started'));
    assert.ok(isTrue(running.status?.conditions, 'Ready'));
    assert.equal(running.status?.attempt, 1);
    assert.equal(running.status.host, host.name);
    const uuid = running.status.domain?.uuid ?? '';
    await host.client.shutdown({ name: '', uuid });
    const done = await stage.until('hello', finishedAs('Succeeded', 'PowerOff'));
    assert.ok(isTrue(done.status?.conditions, 'Complete'));
    assert.equal(host.starts.get(uuid), 1);
    const patches = controller.lifeline.effects.filter(({ call, name }) => call === 'patchStatus' && name === 'hello');
    assert.equal(patches.length, 3);
  });

  it('tells of its host what it is, with versions', async () => {
    const host = await stage.host();
    await eventually(async () => {
      const { hypervisor } = (await stage.getHost(host.name)).status ?? {};
      assert.equal(hypervisor?.type, 'TEST');
      assert.match(hypervisor.version ?? '', /^\d+\.\d+\.\d+$/);
      assert.match(hypervisor.libvirtVersion ?? '', /^\d+\.\d+\.\d+$/);
    });
  });
});

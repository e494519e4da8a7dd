import assert from 'node:assert/strict';

import { findCondition, isTrue } from '#controller/api/index.ts';
import { STARTUP_TIMEOUT_MS } from '#test/support/bed.ts';
import { eventually } from '#test/support/eventually.ts';
import { createStage, finishedAs, inPhase } from './stage.ts';
import type { RunningController, Stage } from './stage.ts';
import type { StageHost } from './stage-hosts.ts';

const OPTIONS = { options: { settleMs: 300 } };

/** The test driver's guests have no network: nobody hears of them. What probes find, test/lxc/ shows. */
describe('readiness of guests that say nothing', function () {
  this.timeout(STARTUP_TIMEOUT_MS);
  let stage: Stage;
  let host: StageHost;
  let controller: RunningController;

  before(async () => {
    stage = await createStage();
    host = await stage.host();
    controller = await stage.controller(OPTIONS);
  });
  after(() => stage.dispose());

  function spec(readiness: object) {
    const boot = { kernel: 'hatchling', cmdline: '-mode run' };
    return { domain: { type: 'pv' as const, memory: '64Mi', vcpus: 1, boot, ...readiness } };
  }

  async function isListed(uuid: string | undefined): Promise<boolean> {
    return (await host.client.listAllDomains()).some((domain) => domain.uuid === uuid);
  }

  it('not asked for: Ready comes with Started', async () => {
    await stage.create('plain', spec({}));
    const { status } = await stage.until('plain', inPhase('Running'));
    assert.ok(isTrue(status?.conditions, 'Ready'));
    assert.equal(status?.timeline?.ready, status?.timeline?.domainStarted);
  });

  it('notify, not fulfilled: Running and not Ready; after timeoutSeconds destroyed, Failed/ReadinessTimeout', async () => {
    await stage.create('silent', spec({ readiness: { notify: {}, periodMilliseconds: 200, timeoutSeconds: 2 } }));
    const running = await stage.until('silent', inPhase('Running'));
    const ready = findCondition(running.status?.conditions, 'Ready');
    assert.deepEqual([ready?.status, ready?.reason], ['False', 'NotReadyYet']);
    assert.equal(running.status?.spawnTime, undefined);
    const { status } = await stage.until('silent', finishedAs('Failed', 'ReadinessTimeout'));
    const took = Date.parse(status?.completionTime ?? '') - Date.parse(status?.timeline?.domainStarted ?? '');
    assert.ok(took >= 1_000 && took < 5_000, `${took} ms`);
    await eventually(async () => assert.ok(!(await isListed(status?.domain?.uuid))));
  });

  it('is retried as often as backoffLimit says', async () => {
    const readiness = { readiness: { notify: {}, periodMilliseconds: 200, timeoutSeconds: 1 } };
    await stage.create('retried', { ...spec(readiness), backoffLimit: 1 });
    await stage.until('retried', ({ status }) => {
      assert.equal(status?.reason, 'BackOff');
      assert.match(status.message ?? '', /^attempt 1 of 2 failed: ReadinessTimeout: /);
    });
  });

  it('outlives its controller: the next one goes on waiting, and gives a guest some seconds to be heard', async () => {
    await stage.create('waits', spec({ readiness: { notify: {}, periodMilliseconds: 200, timeoutSeconds: 3 } }));
    await stage.until('waits', inPhase('Running'));
    await controller.stop();
    const stopped = Date.now();
    await eventually(() => assert.ok(Date.now() - stopped > 4_000));
    const began = Date.now();
    controller = await stage.controller(OPTIONS);
    await stage.until('waits', finishedAs('Failed', 'ReadinessTimeout'), 20_000);
    assert.ok(Date.now() - began >= 4_000);
  });
});

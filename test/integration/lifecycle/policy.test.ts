import assert from 'node:assert/strict';

import { findCondition } from '#controller/api/index.ts';
import type { EphemeralDomain } from '#controller/api/index.ts';
import { STARTUP_TIMEOUT_MS } from '#test/support/bed.ts';
import { eventually } from '#test/support/eventually.ts';
import { createPolicyStage, NOWHERE, waitsAs } from './policy-stage.ts';
import type { PolicyStage } from './policy-stage.ts';
import { finishedAs, inPhase } from './stage.ts';

describe('deadlines of the run policy', function () {
  this.timeout(STARTUP_TIMEOUT_MS);
  let stage: PolicyStage;

  before(async () => {
    stage = await createPolicyStage();
  });
  beforeEach(() => Object.assign(stage.tamper, { shutdown: 'listens', images: true }));
  after(() => stage.dispose());

  /** ms from its start to its end, as they are stored. */
  function activeMs({ status }: EphemeralDomain): number {
    const [started, stopped] = [status?.timeline?.scheduled, status?.timeline?.stopped ?? status?.completionTime];
    return Date.parse(stopped ?? '') - Date.parse(started ?? '');
  }

  describe('activeDeadlineSeconds over', () => {
    it('while it runs: asked to shut down, Failed once it has ended, long before the grace is over', async () => {
      const uuid = await stage.running('listens', { activeDeadlineSeconds: 1 });
      const done = await stage.until('listens', finishedAs('Failed', 'DeadlineExceeded'));
      assert.ok(stage.tamper.asked.includes(uuid));
      assert.equal(findCondition(done.status?.conditions, 'FailureTarget')?.reason, 'DeadlineExceeded');
      await stage.gone(uuid);
    });

    for (const shutdown of ['deaf', 'refuses'] as const) {
      it(`while it runs, and ${shutdown === 'deaf' ? 'its guest is deaf' : 'its host cannot ask'}: destroyed after the grace`, async () => {
        stage.tamper.shutdown = shutdown;
        const uuid = await stage.running(shutdown, { activeDeadlineSeconds: 1, terminationGracePeriodSeconds: 2 });
        const stopping = await stage.until(shutdown, ({ status }) => assert.equal(status?.reason, 'DeadlineExceeded'));
        assert.equal(stopping.status?.phase, 'Running');
        const done = await stage.until(shutdown, finishedAs('Failed', 'DeadlineExceeded'));
        const last = Date.parse(done.status?.completionTime ?? '') + 1000;
        assert.ok(last - Date.parse(done.status?.timeline?.scheduled ?? '') >= 3_000, 'the grace was cut short');
        assert.equal(stage.tamper.asked.filter((asked) => asked === uuid).length, 1);
        await stage.gone(uuid);
      });
    }

    it('while it runs, without grace: destroyed at once, and not asked', async () => {
      const uuid = await stage.running('at-once', { activeDeadlineSeconds: 1, terminationGracePeriodSeconds: 0 });
      await stage.until('at-once', finishedAs('Failed', 'DeadlineExceeded'));
      assert.ok(!stage.tamper.asked.includes(uuid));
      await stage.gone(uuid);
    });

    it('while it runs, and its controller is killed within the grace: the next one destroys it when that ends', async () => {
      stage.tamper.shutdown = 'deaf';
      const uuid = await stage.running('killed', { activeDeadlineSeconds: 1, terminationGracePeriodSeconds: 4 });
      await eventually(() => assert.ok(stage.tamper.asked.includes(uuid)));
      stage.killController();
      await stage.startController();
      const done = await stage.until('killed', finishedAs('Failed', 'DeadlineExceeded'));
      const last = Date.parse(done.status?.completionTime ?? '') + 1000;
      const lasted = last - Date.parse(done.status?.timeline?.scheduled ?? '');
      assert.ok(lasted >= 5_000 && lasted < 8_000, `${lasted} ms`);
      await stage.gone(uuid);
    });

    it('while it ends within the grace by a crash: Failed for the deadline, and not tried again', async () => {
      stage.tamper.shutdown = 'deaf';
      const uuid = await stage.running('crashes', { activeDeadlineSeconds: 1, backoffLimit: 3 });
      await eventually(() => assert.ok(stage.tamper.asked.includes(uuid)));
      await stage.crash(uuid);
      await stage.until('crashes', finishedAs('Failed', 'DeadlineExceeded'));
      await stage.gone(uuid);
    });

    it('while it is Scheduled and nobody was asked to start it: Failed, never started', async () => {
      stage.tamper.images = false;
      await stage.create('unasked', { activeDeadlineSeconds: 1 });
      const done = await stage.until('unasked', finishedAs('Failed', 'DeadlineExceeded'));
      assert.ok(!stage.theHost.starts.has(done.status?.domain?.uuid ?? ''));
    });

    it('between two attempts: Failed, with what failed before', async () => {
      const uuid = await stage.running('between', { activeDeadlineSeconds: 3, backoffLimit: 1 });
      await stage.crash(uuid);
      const done = await stage.until('between', finishedAs('Failed', 'DeadlineExceeded'));
      assert.match(done.status?.message ?? '', /between two attempts; before that: attempt 1 of 2 failed: Crashed/);
    });

    it('while it is suspended: it does not count, and counts anew from the resume', async () => {
      await stage.running('anew', { activeDeadlineSeconds: 3 });
      await stage.suspend('anew');
      await stage.until('anew', waitsAs('Suspended'));
      await eventually(async () => {
        const { creationTimestamp } = (await stage.get('anew')).metadata;
        assert.ok(Date.now() - Date.parse(creationTimestamp) > 5_000, 'the first deadline is not over yet');
      });
      await stage.suspend('anew', false);
      await stage.until('anew', inPhase('Running'));
      const done = await stage.until('anew', finishedAs('Failed', 'DeadlineExceeded'));
      assert.equal(done.status?.attempt, 2);
      assert.ok(activeMs(done) >= 3_000);
    });
  });

  describe('startDeadlineSeconds over', () => {
    it('while no host takes it: Failed, after all of the seconds', async () => {
      await stage.create('no-place', { ...NOWHERE, startDeadlineSeconds: 1 });
      const done = await stage.until('no-place', finishedAs('Failed', 'StartDeadlineExceeded'));
      const last = Date.parse(done.status?.completionTime ?? '');
      assert.ok(last - Date.parse(done.metadata.creationTimestamp) >= 2_000);
      assert.equal(done.status?.attempt, undefined);
    });

    it('between two attempts: Failed, with what failed before', async () => {
      const uuid = await stage.running('too-late', { startDeadlineSeconds: 2, backoffLimit: 1 });
      await stage.crash(uuid);
      const done = await stage.until('too-late', finishedAs('Failed', 'StartDeadlineExceeded'));
      assert.match(done.status?.message ?? '', /before that: attempt 1 of 2 failed: Crashed/);
    });

    it('while it is Scheduled and nobody was asked to start it: Failed, never started', async () => {
      stage.tamper.images = false;
      await stage.create('never-asked', { startDeadlineSeconds: 1 });
      const done = await stage.until('never-asked', finishedAs('Failed', 'StartDeadlineExceeded'));
      assert.ok(!stage.theHost.starts.has(done.status?.domain?.uuid ?? ''));
    });

    it('once it runs: it goes on', async () => {
      const uuid = await stage.running('in-time', { startDeadlineSeconds: 1 });
      await stage.create('later', { ...NOWHERE, startDeadlineSeconds: 1 });
      await stage.until('later', finishedAs('Failed', 'StartDeadlineExceeded'));
      assert.equal((await stage.get('in-time')).status?.phase, 'Running');
      await stage.theHost.client.shutdown({ name: '', uuid });
      await stage.until('in-time', finishedAs('Succeeded'));
    });

    it('while it is suspended: it does not count, and counts from the resume', async () => {
      await stage.create('patient', { ...NOWHERE, startDeadlineSeconds: 1, suspend: true });
      await stage.until('patient', waitsAs('Suspended'));
      await stage.create('impatient', { ...NOWHERE, startDeadlineSeconds: 1 });
      await stage.until('impatient', finishedAs('Failed', 'StartDeadlineExceeded'));
      assert.equal((await stage.get('patient')).status?.phase, 'Pending');
      await stage.suspend('patient', false);
      await stage.until('patient', finishedAs('Failed', 'StartDeadlineExceeded'));
    });
  });
});

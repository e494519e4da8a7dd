import assert from 'node:assert/strict';

import { EPHEMERAL_DOMAINS, findCondition } from '#controller/api/index.ts';
import type { EphemeralDomain, EphemeralDomainSpec } from '#controller/api/index.ts';
import { DumpFlags } from '#controller/libvirt/index.ts';
import { STARTUP_TIMEOUT_MS } from '#test/support/bed.ts';
import { eventually } from '#test/support/eventually.ts';
import { createStage, finishedAs, inPhase } from './stage.ts';
import type { RunningController, Stage } from './stage.ts';
import type { StageHost } from './stage-hosts.ts';
import { tamperedWith, tampering } from './tampered.ts';

const NOWHERE: Partial<EphemeralDomainSpec> = { hostSelector: { matchLabels: { nowhere: 'at-all' } } };
const OPTIONS = { settleMs: 300 };

/** Throws unless it waits for this reason, bound to no host. */
function waitsAs(reason: string): (resource: EphemeralDomain) => void {
  return ({ status }) => {
    assert.equal(status?.phase, 'Pending');
    assert.equal(status.reason, reason);
    for (const gone of ['host', 'address', 'domain'] as const) assert.equal(status[gone], undefined);
  };
}

function suspendedAs(status: string, reason: string): (resource: EphemeralDomain) => void {
  return (resource) => {
    const condition = findCondition(resource.status?.conditions, 'Suspended');
    assert.equal(`${condition?.status ?? ''}/${condition?.reason ?? ''}`, `${status}/${reason}`);
  };
}

describe('the run policy', function () {
  this.timeout(STARTUP_TIMEOUT_MS);
  let stage: Stage;
  let host: StageHost;
  let controller: RunningController;
  const tamper = tampering();

  before(async () => {
    stage = await createStage();
    host = await stage.host();
    controller = await restarted();
  });
  beforeEach(() => Object.assign(tamper, { shutdown: 'listens', images: true }));
  after(() => stage.dispose());

  function restarted(): Promise<RunningController> {
    return stage.controller({ options: OPTIONS, between: tamperedWith(tamper) });
  }

  async function running(name: string, spec: Partial<EphemeralDomainSpec> = {}): Promise<string> {
    await stage.create(name, spec);
    return (await stage.until(name, inPhase('Running'))).status?.domain?.uuid ?? '';
  }

  async function suspend(name: string, isSuspended = true): Promise<void> {
    const ref = { name, namespace: stage.namespace };
    await stage.rest.patch(EPHEMERAL_DOMAINS, ref, { spec: { suspend: isSuspended } });
  }

  async function gone(uuid: string): Promise<void> {
    await eventually(async () => {
      const left = await host.client.listAllDomains();
      assert.ok(!left.some((domain) => domain.uuid === uuid));
    });
  }

  /** ms from its start to its end, as they are stored. */
  function activeMs({ status }: EphemeralDomain): number {
    const [started, stopped] = [status?.timeline?.scheduled, status?.timeline?.stopped ?? status?.completionTime];
    return Date.parse(stopped ?? '') - Date.parse(started ?? '');
  }

  describe('activeDeadlineSeconds over', () => {
    it('while it runs: asked to shut down, Failed once it has ended, long before the grace is over', async () => {
      const uuid = await running('listens', { activeDeadlineSeconds: 1 });
      const done = await stage.until('listens', finishedAs('Failed', 'DeadlineExceeded'));
      assert.ok(tamper.asked.includes(uuid));
      assert.equal(findCondition(done.status?.conditions, 'FailureTarget')?.reason, 'DeadlineExceeded');
      await gone(uuid);
    });

    for (const shutdown of ['deaf', 'refuses'] as const) {
      it(`while it runs, and ${shutdown === 'deaf' ? 'its guest is deaf' : 'its host cannot ask'}: destroyed after the grace`, async () => {
        tamper.shutdown = shutdown;
        const uuid = await running(shutdown, { activeDeadlineSeconds: 1, terminationGracePeriodSeconds: 2 });
        const stopping = await stage.until(shutdown, ({ status }) => assert.equal(status?.reason, 'DeadlineExceeded'));
        assert.equal(stopping.status?.phase, 'Running');
        const done = await stage.until(shutdown, finishedAs('Failed', 'DeadlineExceeded'));
        const last = Date.parse(done.status?.completionTime ?? '') + 1000;
        assert.ok(last - Date.parse(done.status?.timeline?.scheduled ?? '') >= 3_000, 'the grace was cut short');
        assert.equal(tamper.asked.filter((asked) => asked === uuid).length, 1);
        await gone(uuid);
      });
    }

    it('while it runs, without grace: destroyed at once, and not asked', async () => {
      const uuid = await running('at-once', { activeDeadlineSeconds: 1, terminationGracePeriodSeconds: 0 });
      await stage.until('at-once', finishedAs('Failed', 'DeadlineExceeded'));
      assert.ok(!tamper.asked.includes(uuid));
      await gone(uuid);
    });

    it('while it runs, and its controller is killed within the grace: the next one destroys it when that ends', async () => {
      tamper.shutdown = 'deaf';
      const uuid = await running('killed', { activeDeadlineSeconds: 1, terminationGracePeriodSeconds: 4 });
      await eventually(() => assert.ok(tamper.asked.includes(uuid)));
      controller.lifeline.die();
      controller = await restarted();
      const done = await stage.until('killed', finishedAs('Failed', 'DeadlineExceeded'));
      const last = Date.parse(done.status?.completionTime ?? '') + 1000;
      const lasted = last - Date.parse(done.status?.timeline?.scheduled ?? '');
      assert.ok(lasted >= 5_000 && lasted < 8_000, `${lasted} ms`);
      await gone(uuid);
    });

    it('while it ends within the grace by a crash: Failed for the deadline, and not tried again', async () => {
      tamper.shutdown = 'deaf';
      const uuid = await running('crashes', { activeDeadlineSeconds: 1, backoffLimit: 3 });
      await eventually(() => assert.ok(tamper.asked.includes(uuid)));
      await host.client.coreDump({ name: '', uuid }, '/dev/null', DumpFlags.crash);
      await stage.until('crashes', finishedAs('Failed', 'DeadlineExceeded'));
      await gone(uuid);
    });

    it('while it is Scheduled and nobody was asked to start it: Failed, never started', async () => {
      tamper.images = false;
      await stage.create('unasked', { activeDeadlineSeconds: 1 });
      const done = await stage.until('unasked', finishedAs('Failed', 'DeadlineExceeded'));
      assert.ok(!host.starts.has(done.status?.domain?.uuid ?? ''));
    });

    it('between two attempts: Failed, with what failed before', async () => {
      const uuid = await running('between', { activeDeadlineSeconds: 3, backoffLimit: 1 });
      await host.client.coreDump({ name: '', uuid }, '/dev/null', DumpFlags.crash);
      const done = await stage.until('between', finishedAs('Failed', 'DeadlineExceeded'));
      assert.match(done.status?.message ?? '', /between two attempts; before that: attempt 1 of 2 failed: Crashed/);
    });

    it('while it is suspended: it does not count, and counts anew from the resume', async () => {
      await running('anew', { activeDeadlineSeconds: 3 });
      await suspend('anew');
      await stage.until('anew', waitsAs('Suspended'));
      await eventually(async () => {
        const { creationTimestamp } = (await stage.get('anew')).metadata;
        assert.ok(Date.now() - Date.parse(creationTimestamp) > 5_000, 'the first deadline is not over yet');
      });
      await suspend('anew', false);
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
      const uuid = await running('too-late', { startDeadlineSeconds: 2, backoffLimit: 1 });
      await host.client.coreDump({ name: '', uuid }, '/dev/null', DumpFlags.crash);
      const done = await stage.until('too-late', finishedAs('Failed', 'StartDeadlineExceeded'));
      assert.match(done.status?.message ?? '', /before that: attempt 1 of 2 failed: Crashed/);
    });

    it('while it is Scheduled and nobody was asked to start it: Failed, never started', async () => {
      tamper.images = false;
      await stage.create('never-asked', { startDeadlineSeconds: 1 });
      const done = await stage.until('never-asked', finishedAs('Failed', 'StartDeadlineExceeded'));
      assert.ok(!host.starts.has(done.status?.domain?.uuid ?? ''));
    });

    it('once it runs: it goes on', async () => {
      const uuid = await running('in-time', { startDeadlineSeconds: 1 });
      await stage.create('later', { ...NOWHERE, startDeadlineSeconds: 1 });
      await stage.until('later', finishedAs('Failed', 'StartDeadlineExceeded'));
      assert.equal((await stage.get('in-time')).status?.phase, 'Running');
      await host.client.shutdown({ name: '', uuid });
      await stage.until('in-time', finishedAs('Succeeded'));
    });

    it('while it is suspended: it does not count, and counts from the resume', async () => {
      await stage.create('patient', { ...NOWHERE, startDeadlineSeconds: 1, suspend: true });
      await stage.until('patient', waitsAs('Suspended'));
      await stage.create('impatient', { ...NOWHERE, startDeadlineSeconds: 1 });
      await stage.until('impatient', finishedAs('Failed', 'StartDeadlineExceeded'));
      assert.equal((await stage.get('patient')).status?.phase, 'Pending');
      await suspend('patient', false);
      await stage.until('patient', finishedAs('Failed', 'StartDeadlineExceeded'));
    });
  });

  describe('suspend', () => {
    it('from the beginning: not placed, told once, and placed after the resume', async () => {
      await stage.create('held', { suspend: true });
      const held = await stage.until('held', waitsAs('Suspended'));
      suspendedAs('True', 'Suspended')(held);
      await running('barrier');
      assert.equal((await stage.get('held')).metadata.resourceVersion, held.metadata.resourceVersion);
      await suspend('held', false);
      const resumed = await stage.until('held', inPhase('Running'));
      suspendedAs('False', 'Resumed')(resumed);
      assert.equal(resumed.status?.attempt, 1);
      assert.equal(resumed.status.suspendedAttempts, undefined);
    });

    it('while no host takes it: it waits no longer', async () => {
      await stage.create('unplaced', NOWHERE);
      await stage.until('unplaced', waitsAs('Unschedulable'));
      await suspend('unplaced');
      await stage.until('unplaced', waitsAs('Suspended'));
      await suspend('unplaced', false);
      await stage.until('unplaced', suspendedAs('False', 'Resumed'));
    });

    it('between two attempts: the next one waits, its number kept', async () => {
      const uuid = await running('pausing', { backoffLimit: 1 });
      await host.client.coreDump({ name: '', uuid }, '/dev/null', DumpFlags.crash);
      await stage.until('pausing', waitsAs('BackOff'));
      await suspend('pausing');
      const held = await stage.until('pausing', waitsAs('Suspended'));
      assert.equal(held.status?.attempt, 1);
      assert.equal(held.status.suspendedAttempts, undefined);
      assert.equal(findCondition(held.status.conditions, 'Scheduled')?.reason, 'BackOff');
    });

    it('while it is Scheduled and nobody was asked to start it: unbound at once, and the same attempt after', async () => {
      tamper.images = false;
      await stage.create('unstarted');
      const bound = await stage.until('unstarted', inPhase('Scheduled'));
      await suspend('unstarted');
      const held = await stage.until('unstarted', waitsAs('Suspended'));
      assert.equal(held.status?.attempt, undefined);
      tamper.images = true;
      await suspend('unstarted', false);
      const resumed = await stage.until('unstarted', inPhase('Running'));
      assert.equal(resumed.status?.attempt, 1);
      assert.equal(resumed.status.suspendedAttempts, undefined);
      assert.equal(resumed.status.domain?.uuid, bound.status?.domain?.uuid);
      assert.equal(host.starts.get(bound.status?.domain?.uuid ?? ''), 1);
    });

    it('while it is Scheduled, and its controller was killed: the next attempt after, since nobody can tell', async () => {
      tamper.images = false;
      await stage.create('orphaned');
      const bound = await stage.until('orphaned', inPhase('Scheduled'));
      controller.lifeline.die();
      await suspend('orphaned');
      controller = await restarted();
      const held = await stage.until('orphaned', waitsAs('Suspended'));
      assert.equal(held.status?.attempt, 1);
      assert.equal(held.status.suspendedAttempts, 1);
      tamper.images = true;
      await suspend('orphaned', false);
      const resumed = await stage.until('orphaned', inPhase('Running'));
      assert.equal(resumed.status?.attempt, 2);
      assert.ok(!host.starts.has(bound.status?.domain?.uuid ?? ''));
    });

    it('while it runs: shut down and unbound; the next attempt after, which backoffLimit does not count', async () => {
      const first = await running('runs', { backoffLimit: 1 });
      await suspend('runs');
      const held = await stage.until('runs', waitsAs('Suspended'));
      suspendedAs('True', 'Suspended')(held);
      assert.ok(tamper.asked.includes(first));
      assert.equal(held.status?.startTime, undefined);
      assert.equal(findCondition(held.status?.conditions, 'Started'), undefined);
      await gone(first);

      await suspend('runs', false);
      const resumed = await stage.until('runs', inPhase('Running'));
      const second = resumed.status?.domain?.uuid ?? '';
      assert.equal(resumed.status?.attempt, 2);
      assert.equal(resumed.status.suspendedAttempts, 1);
      assert.notEqual(second, first);
      await host.client.coreDump({ name: '', uuid: second }, '/dev/null', DumpFlags.crash);
      const failed = await stage.until('runs', waitsAs('BackOff'));
      assert.match(failed.status?.message ?? '', /attempt 1 of 2 failed: Crashed: .*; the next one follows in 10 s/);
      assert.deepEqual([host.starts.get(first), host.starts.get(second)], [1, 1]);
    });

    it('while it runs, and its guest is deaf: destroyed after the grace, and unbound after that', async () => {
      tamper.shutdown = 'deaf';
      const uuid = await running('deaf-too', { terminationGracePeriodSeconds: 1 });
      await suspend('deaf-too');
      const stopping = await stage.until('deaf-too', suspendedAs('Unknown', 'Suspending'));
      assert.equal(stopping.status?.phase, 'Running');
      await stage.until('deaf-too', waitsAs('Suspended'));
      await gone(uuid);
    });

    it('while it runs, without grace: destroyed at once, and not asked', async () => {
      const uuid = await running('no-grace', { terminationGracePeriodSeconds: 0 });
      await suspend('no-grace');
      await stage.until('no-grace', waitsAs('Suspended'));
      assert.ok(!tamper.asked.includes(uuid));
      await gone(uuid);
    });

    it('taken back while it is being stopped: stopped all the same, and placed anew', async () => {
      tamper.shutdown = 'deaf';
      const first = await running('hasty', { terminationGracePeriodSeconds: 1 });
      await suspend('hasty');
      await stage.until('hasty', suspendedAs('Unknown', 'Suspending'));
      await suspend('hasty', false);
      const resumed = await stage.until('hasty', (resource) => {
        inPhase('Running')(resource);
        suspendedAs('False', 'Resumed')(resource);
      });
      assert.equal(resumed.status?.attempt, 2);
      await gone(first);
    });

    it('while it runs, and its controller is killed once that is decided: the next one goes on', async () => {
      tamper.shutdown = 'deaf';
      const uuid = await running('handed-over', { terminationGracePeriodSeconds: 2 });
      await suspend('handed-over');
      await eventually(() => assert.ok(tamper.asked.includes(uuid)));
      controller.lifeline.die();
      await suspend('handed-over', false);
      controller = await restarted();
      const resumed = await stage.until('handed-over', (resource) => {
        inPhase('Running')(resource);
        suspendedAs('False', 'Resumed')(resource);
      });
      assert.equal(resumed.status?.attempt, 2);
      assert.equal(host.starts.get(uuid), 1);
      await gone(uuid);
    });

    it('while its deadline is being enforced: it fails, since that was decided first', async () => {
      tamper.shutdown = 'deaf';
      const uuid = await running('doomed', { activeDeadlineSeconds: 1, terminationGracePeriodSeconds: 2 });
      await stage.until('doomed', ({ status }) => assert.equal(status?.reason, 'DeadlineExceeded'));
      await suspend('doomed');
      await stage.until('doomed', finishedAs('Failed', 'DeadlineExceeded'));
      await gone(uuid);
    });

    it('while its deadline passes within the grace: suspended, since that was decided first', async () => {
      tamper.shutdown = 'deaf';
      const uuid = await running('spared', { activeDeadlineSeconds: 2, terminationGracePeriodSeconds: 3 });
      await suspend('spared');
      await stage.until('spared', waitsAs('Suspended'));
      await gone(uuid);
    });

    it('deleted while it is being stopped: destroyed at once', async () => {
      tamper.shutdown = 'deaf';
      const uuid = await running('deleted', { terminationGracePeriodSeconds: 600 });
      await suspend('deleted');
      await eventually(() => assert.ok(tamper.asked.includes(uuid)));
      await stage.rest.delete(EPHEMERAL_DOMAINS, { name: 'deleted', namespace: stage.namespace });
      await gone(uuid);
    });
  });
});

import assert from 'node:assert/strict';

import { EPHEMERAL_DOMAINS, findCondition } from '#controller/api/index.ts';
import { STARTUP_TIMEOUT_MS } from '#test/support/bed.ts';
import { eventually } from '#test/support/eventually.ts';
import { createPolicyStage, NOWHERE, suspendedAs, waitsAs } from './policy-stage.ts';
import type { PolicyStage } from './policy-stage.ts';
import { finishedAs, inPhase } from './stage.ts';

describe('suspend', function () {
  this.timeout(STARTUP_TIMEOUT_MS);
  let stage: PolicyStage;

  before(async () => {
    stage = await createPolicyStage();
  });
  beforeEach(() => Object.assign(stage.tamper, { shutdown: 'listens', images: true }));
  after(() => stage.dispose());

  it('from the beginning: not placed, told once, and placed after the resume', async () => {
    await stage.create('held', { suspend: true });
    const held = await stage.until('held', waitsAs('Suspended'));
    suspendedAs('True', 'Suspended')(held);
    await stage.running('barrier');
    assert.equal((await stage.get('held')).metadata.resourceVersion, held.metadata.resourceVersion);
    await stage.suspend('held', false);
    const resumed = await stage.until('held', inPhase('Running'));
    suspendedAs('False', 'Resumed')(resumed);
    assert.equal(resumed.status?.attempt, 1);
    assert.equal(resumed.status.suspendedAttempts, undefined);
  });

  it('while no host takes it: it waits no longer', async () => {
    await stage.create('unplaced', NOWHERE);
    await stage.until('unplaced', waitsAs('Unschedulable'));
    await stage.suspend('unplaced');
    await stage.until('unplaced', waitsAs('Suspended'));
    await stage.suspend('unplaced', false);
    await stage.until('unplaced', suspendedAs('False', 'Resumed'));
  });

  it('between two attempts: the next one waits, its number kept', async () => {
    const uuid = await stage.running('pausing', { backoffLimit: 1 });
    await stage.crash(uuid);
    await stage.until('pausing', waitsAs('BackOff'));
    await stage.suspend('pausing');
    const held = await stage.until('pausing', waitsAs('Suspended'));
    assert.equal(held.status?.attempt, 1);
    assert.equal(held.status.suspendedAttempts, undefined);
    assert.equal(findCondition(held.status.conditions, 'Scheduled')?.reason, 'BackOff');
  });

  it('while it is Scheduled and nobody was asked to start it: unbound at once, and the same attempt after', async () => {
    stage.tamper.images = false;
    await stage.create('unstarted');
    const bound = await stage.until('unstarted', inPhase('Scheduled'));
    await stage.suspend('unstarted');
    const held = await stage.until('unstarted', waitsAs('Suspended'));
    assert.equal(held.status?.attempt, undefined);
    stage.tamper.images = true;
    await stage.suspend('unstarted', false);
    const resumed = await stage.until('unstarted', inPhase('Running'));
    assert.equal(resumed.status?.attempt, 1);
    assert.equal(resumed.status.suspendedAttempts, undefined);
    assert.equal(resumed.status.domain?.uuid, bound.status?.domain?.uuid);
    assert.equal(stage.theHost.starts.get(bound.status?.domain?.uuid ?? ''), 1);
  });

  it('while it is Scheduled, and its controller was killed: the next attempt after, since nobody can tell', async () => {
    stage.tamper.images = false;
    await stage.create('orphaned');
    const bound = await stage.until('orphaned', inPhase('Scheduled'));
    stage.killController();
    await stage.suspend('orphaned');
    await stage.startController();
    const held = await stage.until('orphaned', waitsAs('Suspended'));
    assert.equal(held.status?.attempt, 1);
    assert.equal(held.status.suspendedAttempts, 1);
    stage.tamper.images = true;
    await stage.suspend('orphaned', false);
    const resumed = await stage.until('orphaned', inPhase('Running'));
    assert.equal(resumed.status?.attempt, 2);
    assert.ok(!stage.theHost.starts.has(bound.status?.domain?.uuid ?? ''));
  });

  it('while it runs: shut down and unbound; the next attempt after, which backoffLimit does not count', async () => {
    const first = await stage.running('runs', { backoffLimit: 1 });
    await stage.suspend('runs');
    const held = await stage.until('runs', waitsAs('Suspended'));
    suspendedAs('True', 'Suspended')(held);
    assert.ok(stage.tamper.asked.includes(first));
    assert.equal(held.status?.startTime, undefined);
    assert.equal(findCondition(held.status?.conditions, 'Started'), undefined);
    await stage.gone(first);

    await stage.suspend('runs', false);
    const resumed = await stage.until('runs', inPhase('Running'));
    const second = resumed.status?.domain?.uuid ?? '';
    assert.equal(resumed.status?.attempt, 2);
    assert.equal(resumed.status.suspendedAttempts, 1);
    assert.notEqual(second, first);
    await stage.crash(second);
    const failed = await stage.until('runs', waitsAs('BackOff'));
    assert.match(failed.status?.message ?? '', /attempt 1 of 2 failed: Crashed: .*; the next one follows in 10 s/);
    assert.deepEqual([stage.theHost.starts.get(first), stage.theHost.starts.get(second)], [1, 1]);
  });

  it('while it runs, and its guest is deaf: destroyed after the grace, and unbound after that', async () => {
    stage.tamper.shutdown = 'deaf';
    const uuid = await stage.running('deaf-too', { terminationGracePeriodSeconds: 1 });
    await stage.suspend('deaf-too');
    const stopping = await stage.until('deaf-too', suspendedAs('Unknown', 'Suspending'));
    assert.equal(stopping.status?.phase, 'Running');
    await stage.until('deaf-too', waitsAs('Suspended'));
    await stage.gone(uuid);
  });

  it('while it runs, without grace: destroyed at once, and not asked', async () => {
    const uuid = await stage.running('no-grace', { terminationGracePeriodSeconds: 0 });
    await stage.suspend('no-grace');
    await stage.until('no-grace', waitsAs('Suspended'));
    assert.ok(!stage.tamper.asked.includes(uuid));
    await stage.gone(uuid);
  });

  it('taken back while it is being stopped: stopped all the same, and placed anew', async () => {
    stage.tamper.shutdown = 'deaf';
    const first = await stage.running('hasty', { terminationGracePeriodSeconds: 1 });
    await stage.suspend('hasty');
    await stage.until('hasty', suspendedAs('Unknown', 'Suspending'));
    await stage.suspend('hasty', false);
    const resumed = await stage.until('hasty', (resource) => {
      inPhase('Running')(resource);
      suspendedAs('False', 'Resumed')(resource);
    });
    assert.equal(resumed.status?.attempt, 2);
    await stage.gone(first);
  });

  it('while it runs, and its controller is killed once that is decided: the next one goes on', async () => {
    stage.tamper.shutdown = 'deaf';
    const uuid = await stage.running('handed-over', { terminationGracePeriodSeconds: 2 });
    await stage.suspend('handed-over');
    await eventually(() => assert.ok(stage.tamper.asked.includes(uuid)));
    stage.killController();
    await stage.suspend('handed-over', false);
    await stage.startController();
    const resumed = await stage.until('handed-over', (resource) => {
      inPhase('Running')(resource);
      suspendedAs('False', 'Resumed')(resource);
    });
    assert.equal(resumed.status?.attempt, 2);
    assert.equal(stage.theHost.starts.get(uuid), 1);
    await stage.gone(uuid);
  });

  it('while its deadline is being enforced: it fails, since that was decided first', async () => {
    stage.tamper.shutdown = 'deaf';
    const uuid = await stage.running('doomed', { activeDeadlineSeconds: 1, terminationGracePeriodSeconds: 2 });
    await stage.until('doomed', ({ status }) => assert.equal(status?.reason, 'DeadlineExceeded'));
    await stage.suspend('doomed');
    await stage.until('doomed', finishedAs('Failed', 'DeadlineExceeded'));
    await stage.gone(uuid);
  });

  it('while its deadline passes within the grace: suspended, since that was decided first', async () => {
    stage.tamper.shutdown = 'deaf';
    const uuid = await stage.running('spared', { activeDeadlineSeconds: 2, terminationGracePeriodSeconds: 3 });
    await stage.suspend('spared');
    await stage.until('spared', waitsAs('Suspended'));
    await stage.gone(uuid);
  });

  it('deleted while it is being stopped: destroyed at once', async () => {
    stage.tamper.shutdown = 'deaf';
    const uuid = await stage.running('deleted', { terminationGracePeriodSeconds: 600 });
    await stage.suspend('deleted');
    await eventually(() => assert.ok(stage.tamper.asked.includes(uuid)));
    await stage.rest.delete(EPHEMERAL_DOMAINS, { name: 'deleted', namespace: stage.namespace });
    await stage.gone(uuid);
  });
});

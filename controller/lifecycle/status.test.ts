import assert from 'node:assert/strict';

import { findCondition, isTrue } from '#controller/api/index.ts';
import type { EphemeralDomain, EphemeralDomainStatus } from '#controller/api/index.ts';
import {
  bindingOf,
  deadlineOf,
  expiryOf,
  isPending,
  nextAttempt,
  pauseAfter,
  pausedUntil,
  stateOfAttempt,
} from './attempt.ts';
import { readyBy } from './readiness.ts';
import { bindPatch, changePatch, unboundFailurePatch, waitingPatch } from './render.ts';
import type { StatusPatch } from './render.ts';

import { merge, resource } from './testing/resources.ts';

const NOW = Date.UTC(2026, 10, 23, 12, 0, 0);

function apply(to: EphemeralDomain, patch: StatusPatch): EphemeralDomain {
  assert.equal(patch.metadata?.resourceVersion, to.metadata.resourceVersion);
  return { ...to, status: merge(to.status, patch.status) as EphemeralDomainStatus };
}

const BINDING = {
  host: 'xen-1',
  address: '198.18.4.21',
  name: 'edom-198-18-4-21',
  uuid: 'd-1',
  hostBoot: 'b',
  hostDaemon: 'd',
  seen: NOW - 100,
};
const bound = (spec = {}): EphemeralDomain => apply(resource(spec), bindPatch(resource(spec), BINDING, NOW));
const TIMES = { requested: NOW + 10, started: NOW + 312.25, stopped: NOW + 5_000 };
const failed = { kind: 'failed', reason: 'Crashed', message: 'the domain crashed', final: false } as const;

describe('the status of an EphemeralDomain', () => {
  it('bound: all that a start needs is in one patch', () => {
    const { status } = bound();
    assert.equal(status?.phase, 'Scheduled');
    assert.deepEqual(status.domain, { name: 'edom-198-18-4-21', uuid: 'd-1', hostBoot: 'b', hostDaemon: 'd' });
    assert.equal(status.attempt, 1);
    assert.equal(status.startTime, '2026-11-23T12:00:00Z');
    assert.equal(status.timeline?.created, '2026-11-23T11:59:59.900000Z');
    assert.equal(status.observedGeneration, 1);
    assert.ok(isTrue(status.conditions, 'Scheduled'));
  });

  it('running: Started and Ready come together, with the time that it took', () => {
    const running = apply(bound(), changePatch(bound(), { kind: 'running', id: 4 }, TIMES, NOW + 400));
    assert.equal(running.status?.phase, 'Running');
    assert.equal(running.status.domain?.id, 4);
    assert.equal(running.status.domain.uuid, 'd-1');
    assert.ok(isTrue(running.status.conditions, 'Started') && isTrue(running.status.conditions, 'Ready'));
    assert.equal(running.status.spawnTime, '412ms');
    assert.equal(running.status.timeline?.domainStarted, '2026-11-23T12:00:00.312250Z');
    assert.equal(bindingOf(running)?.started, true);
  });

  it('succeeded with Running unsent: the final one says both', () => {
    const done = apply(bound(), changePatch(bound(), { kind: 'succeeded', end: 'power-off' }, TIMES, NOW + 6_000));
    assert.equal(done.status?.phase, 'Succeeded');
    assert.equal(done.status.reason, 'PowerOff');
    assert.ok(isTrue(done.status.conditions, 'Started') && isTrue(done.status.conditions, 'Complete'));
    assert.equal(findCondition(done.status.conditions, 'Ready')?.status, 'False');
    assert.equal(done.status.spawnTime, '412ms');
    assert.equal(done.status.timeline?.stopped, '2026-11-23T12:00:05.000000Z');
    assert.equal(done.status.completionTime, '2026-11-23T12:00:06Z');
    assert.equal(bindingOf(done), undefined);
  });

  it('failed without a run: never Started, never Ready', () => {
    const done = apply(bound(), changePatch(bound(), failed, {}, NOW));
    assert.equal(done.status?.phase, 'Failed');
    assert.ok(isTrue(done.status.conditions, 'Failed'));
    assert.equal(findCondition(done.status.conditions, 'Started'), undefined);
    assert.equal(findCondition(done.status.conditions, 'Complete'), undefined);
    assert.equal(done.status.message, 'the domain crashed (host xen-1)');
  });

  it('failed with attempts left: unbound, its number kept, paused', () => {
    const again = apply(bound({ backoffLimit: 2 }), changePatch(bound({ backoffLimit: 2 }), failed, TIMES, NOW));
    assert.ok(isPending(again));
    assert.equal(again.status?.attempt, 1);
    assert.equal(again.status.host, undefined);
    assert.equal(again.status.domain, undefined);
    assert.equal(again.status.reason, 'BackOff');
    assert.match(again.status.message ?? '', /attempt 1 of 3 failed: Crashed: .*; the next one follows in 10 s/);
    assert.equal(pausedUntil(again), NOW + 10_000);
    assert.equal(nextAttempt(again), 2);
    assert.equal(stateOfAttempt(again, 'd-1', 1), 'over');

    const second = apply(again, bindPatch(again, { ...BINDING, uuid: 'd-2' }, NOW + 10_000));
    assert.equal(second.status?.attempt, 2);
    assert.equal(second.status.startTime, '2026-11-23T12:00:00Z');
    assert.equal(second.status.timeline?.domainStarted, undefined);
    assert.equal(findCondition(second.status.conditions, 'Started'), undefined);
    assert.equal(stateOfAttempt(second, 'd-1', 1), 'over');
    assert.equal(stateOfAttempt(second, 'd-2', 2), 'bound');
  });

  it('failed for good in spite of attempts left, where they could not help', () => {
    const overdue = { ...failed, reason: 'DeadlineExceeded', final: true } as const;
    const done = apply(bound({ backoffLimit: 2 }), changePatch(bound({ backoffLimit: 2 }), overdue, {}, NOW));
    assert.equal(done.status?.reason, 'DeadlineExceeded');
  });

  it('its name held by another: unbound, and the same attempt is bound anew', () => {
    const loose = apply(bound(), changePatch(bound(), { kind: 'rebind', heldBy: 'd-9' }, {}, NOW));
    assert.ok(isPending(loose));
    assert.equal(nextAttempt(loose), 1);
    assert.equal(pausedUntil(loose), undefined);
    assert.equal(stateOfAttempt(loose, 'd-1', 1), 'unknown');
  });

  it('waiting: says why, and since when stays', () => {
    const waits = apply(resource(), waitingPatch(resource(), 'Unschedulable', '0/1 hosts', NOW));
    const later = apply(waits, waitingPatch(waits, 'Unschedulable', '0/2 hosts', NOW + 30_000));
    const condition = findCondition(later.status?.conditions, 'Scheduled');
    assert.equal(condition?.message, '0/2 hosts');
    assert.equal(condition.lastTransitionTime, '2026-11-23T12:00:00Z');
    assert.ok(isPending(later));
  });

  it('out of time between two attempts: Failed', () => {
    const done = apply(resource(), unboundFailurePatch(resource(), 'DeadlineExceeded', 'late', NOW));
    assert.equal(done.status?.phase, 'Failed');
    assert.ok(isTrue(done.status.conditions, 'Failed'));
  });
});

describe('what a guest says of itself, in the status', () => {
  const NOTIFY = { readiness: { notify: {}, periodMilliseconds: 200 } };
  const told = bound({ domain: { ...resource().spec.domain, ...NOTIFY } });
  const running = { kind: 'running', id: 4 } as const;
  const heard = { kind: 'heard' } as const;
  const READY = { ...TIMES, ready: NOW + 900, stopped: undefined };

  it('ready before Running was stored: one write says both', () => {
    const { status } = apply(told, changePatch(told, running, READY, NOW + 950));
    assert.equal(findCondition(status?.conditions, 'Ready')?.reason, 'DomainReady');
    assert.equal(status?.timeline?.ready, '2026-11-23T12:00:00.900000Z');
    assert.equal(status.timeline.domainStarted, '2026-11-23T12:00:00.312250Z');
    assert.equal(status.spawnTime, '1.000s');
  });

  it('not ready yet: Started and not Ready, and no spawn time; then Ready by a write of its own', () => {
    const waits = apply(told, changePatch(told, running, TIMES, NOW + 400));
    const condition = findCondition(waits.status?.conditions, 'Ready');
    assert.deepEqual([condition?.status, condition?.reason], ['False', 'NotReadyYet']);
    assert.ok(isTrue(waits.status?.conditions, 'Started'));
    assert.equal(waits.status?.spawnTime, undefined);
    assert.equal(waits.status?.timeline?.ready, undefined);
    assert.equal(bindingOf(waits)?.ready, false);

    const { status } = apply(waits, changePatch(waits, heard, READY, NOW + 950));
    assert.equal(findCondition(status?.conditions, 'Ready')?.status, 'True');
    assert.equal(status?.reason, 'DomainReady');
    assert.equal(status.phase, 'Running');
    assert.equal(status.spawnTime, '1.000s');
  });

  it('never ready: Ready stays False, and no time is said', () => {
    const done = apply(told, changePatch(told, { kind: 'succeeded', end: 'power-off' }, TIMES, NOW + 6_000));
    assert.equal(findCondition(done.status?.conditions, 'Ready')?.reason, 'DomainStopped');
    assert.equal(done.status?.timeline?.ready, undefined);
    assert.equal(done.status?.spawnTime, undefined);
  });

  it('an exit code: stored while it runs, and kept at its end and through the pause before the next attempt', () => {
    const exit = { code: 3, message: 'no disk' };
    const before = bound({ backoffLimit: 1 });
    const runs = apply(before, changePatch(before, running, TIMES, NOW + 400));
    const said = apply(runs, changePatch(runs, heard, TIMES, NOW + 500, exit));
    assert.deepEqual([said.status?.exitCode, said.status?.terminationMessage], [3, 'no disk']);
    assert.deepEqual(bindingOf(said)?.exit, exit);
    assert.equal(said.status?.reason, 'DomainStarted');

    const nonZero = {
      kind: 'failed',
      reason: 'NonZeroExit',
      message: 'exited with code 3: no disk',
      final: false,
    } as const;
    const paused = apply(said, changePatch(said, nonZero, TIMES, NOW + 600));
    assert.equal(paused.status?.exitCode, 3);
    const next = apply(paused, bindPatch(paused, { ...BINDING, uuid: 'd-2' }, NOW + 10_000));
    assert.deepEqual([next.status?.exitCode, next.status?.terminationMessage], [undefined, undefined]);
  });

  it('an exit code that comes with the end: in the final write', () => {
    const ended = { kind: 'succeeded', end: 'power-off' } as const;
    const done = apply(bound(), changePatch(bound(), ended, TIMES, NOW, { code: 0, message: '' }));
    assert.equal(done.status?.phase, 'Succeeded');
    assert.deepEqual([done.status.exitCode, done.status.terminationMessage], [0, '']);
  });

  it('until when it has to be ready counts from Started; a controller that has just come grants some seconds more', () => {
    const limited = { readiness: { notify: {}, periodMilliseconds: 200, timeoutSeconds: 2 } };
    const before = bound({ domain: { ...resource().spec.domain, ...limited } });
    assert.equal(readyBy(before, undefined), undefined);
    assert.equal(readyBy(before, NOW + 300), NOW + 2_300);
    const runs = apply(before, changePatch(before, running, TIMES, NOW + 400));
    assert.equal(readyBy(runs, NOW + 312.25), NOW + 2_312.25);
    assert.equal(readyBy(runs, NOW + 60_000), NOW + 65_000);
    assert.equal(readyBy(runs, undefined), undefined);
    assert.equal(readyBy(told, NOW), undefined);
  });
});

describe('times that a resource is due at', () => {
  it('pauses between attempts as a Job does', () => {
    assert.deepEqual([1, 2, 3, 6, 7, 50].map(pauseAfter), [10_000, 20_000, 40_000, 320_000, 360_000, 360_000]);
  });

  it('counts activeDeadlineSeconds from the first binding, to the fraction of the second', () => {
    const spec = { activeDeadlineSeconds: 3 };
    const exact = apply(resource(spec), bindPatch(resource(spec), BINDING, NOW + 250));
    assert.equal(deadlineOf(exact), NOW + 3_250);
    assert.equal(deadlineOf(resource(spec)), undefined);
    const later = { ...exact, status: { ...exact.status, timeline: { scheduled: '2026-11-23T12:01:00.000000Z' } } };
    assert.equal(deadlineOf(later), NOW + 3_000);
  });

  it('counts ttlSecondsAfterFinished from the end', () => {
    const spec = { ttlSecondsAfterFinished: 5 };
    assert.equal(expiryOf(bound(spec)), undefined);
    const done = apply(bound(spec), changePatch(bound(spec), { kind: 'succeeded', end: 'power-off' }, {}, NOW));
    assert.equal(expiryOf(done), NOW + 5_000);
    assert.equal(expiryOf({ ...done, spec: bound().spec }), undefined);
  });
});

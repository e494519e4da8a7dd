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

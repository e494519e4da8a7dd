import assert from 'node:assert/strict';

import { findCondition } from '#controller/api/index.ts';
import type { EphemeralDomain, EphemeralDomainStatus } from '#controller/api/index.ts';
import {
  bindingOf,
  countedAttempts,
  deadlineOf,
  isPending,
  mayBePlaced,
  nextAttempt,
  pausedUntil,
  startDeadlineOf,
  stateOfAttempt,
  stoppingOf,
} from './attempt.ts';
import type { Change } from './next.ts';
import { bindPatch, changePatch } from './render.ts';
import type { StatusPatch } from './render.ts';
import { merge, resource } from './testing/resources.ts';
import { resumedPatch, suspendedPatch } from './unbind.ts';
import { waitingStep } from './waiting.ts';

const NOW = Date.UTC(2026, 10, 23, 12, 0, 0);
const TIMES = { requested: NOW + 10, started: NOW + 300, stopped: NOW + 5_000 };
const BINDING = { host: 'xen-1', address: '198.18.4.21', name: 'edom-198-18-4-21', uuid: 'd-1', hostBoot: 'b' };
const CRASHED: Change = { kind: 'failed', reason: 'Crashed', message: 'it crashed', final: false };

function apply(to: EphemeralDomain, patch: StatusPatch): EphemeralDomain {
  return { ...to, status: merge(to.status, patch.status) as EphemeralDomainStatus };
}

const change = (to: EphemeralDomain, what: Change, now = NOW + 6_000) => apply(to, changePatch(to, what, TIMES, now));

function bind(to: EphemeralDomain, now = NOW): EphemeralDomain {
  return apply(to, bindPatch(to, { ...BINDING, hostDaemon: 'd', seen: now }, now));
}

const withSpec = (to: EphemeralDomain, spec: Partial<EphemeralDomain['spec']>): EphemeralDomain => ({
  ...to,
  spec: { ...to.spec, ...spec },
});
const suspend = (to: EphemeralDomain) => withSpec(to, { suspend: true });
const resume = (to: EphemeralDomain) => withSpec(to, { suspend: false });

const condition = ({ status }: EphemeralDomain, type: string): string => {
  const { status: is, reason } = findCondition(status?.conditions, type) ?? {};
  return is === undefined ? 'none' : `${is}/${reason ?? ''}`;
};

const STOPPING: Change = { kind: 'stopping', why: 'suspend', id: 4 };
const OVERDUE: Change = { kind: 'stopping', why: 'deadline', id: 4 };

describe('a suspension in the status', () => {
  it('of one that never was bound: told, and no place', () => {
    const held = apply(suspend(resource()), suspendedPatch(suspend(resource()), { neverRan: true }, {}, NOW));
    assert.equal(held.status?.phase, 'Pending');
    assert.equal(held.status.reason, 'Suspended');
    assert.equal(condition(held, 'Suspended'), 'True/Suspended');
    assert.ok(isPending(held) && !mayBePlaced(held));
    assert.ok(!mayBePlaced(resume(held)), 'the resume is stored first');
    const resumed = apply(resume(held), resumedPatch(resume(held), NOW + 9_000));
    assert.equal(condition(resumed, 'Suspended'), 'False/Resumed');
    assert.ok(mayBePlaced(resumed));
    assert.equal(nextAttempt(resumed), 1);
  });

  it('decided while it runs: Running goes with it, and it is stopped for that', () => {
    const stopping = change(suspend(bind(resource())), STOPPING);
    assert.equal(stopping.status?.phase, 'Running');
    assert.equal(condition(stopping, 'Started'), 'True/DomainStarted');
    assert.equal(condition(stopping, 'Suspended'), 'Unknown/Suspending');
    assert.match(stopping.status.message ?? '', /asked to shut down, and destroyed after 30 s \(host xen-1\)/);
    // Decided at second 6, which has the whole of that second to give.
    assert.deepEqual(stoppingOf(stopping), { why: 'suspend', until: NOW + 6_000 + 1_000 + 30_000 });
  });

  it('come about: of its host nothing is left, its number is used, and startTime is cleared', () => {
    const held = change(change(suspend(bind(resource())), STOPPING), { kind: 'suspended', neverRan: false });
    const { host, address, domain, startTime, attempt, suspendedAttempts } = held.status ?? {};
    assert.deepEqual([host, address, domain, startTime], [undefined, undefined, undefined, undefined]);
    assert.deepEqual([attempt, suspendedAttempts], [1, 1]);
    assert.deepEqual([condition(held, 'Started'), condition(held, 'Ready')], ['none', 'none']);
    assert.equal(condition(held, 'Scheduled'), 'False/Suspended');
    assert.equal(stateOfAttempt(held, 'd-1', 1), 'over');
    assert.equal(nextAttempt(held), 2);
    assert.equal(deadlineOf(withSpec(held, { activeDeadlineSeconds: 1 })), undefined);
  });

  it('of one that nobody was asked to start: the same attempt again', () => {
    const held = change(suspend(bind(resource())), { kind: 'suspended', neverRan: true });
    assert.deepEqual([held.status?.attempt, held.status?.suspendedAttempts], [undefined, undefined]);
    assert.equal(bindingOf(held), undefined);
    assert.equal(nextAttempt(held), 1);
  });

  it('does not count against backoffLimit, nor for the pause', () => {
    const spec = { backoffLimit: 1 };
    const held = change(change(suspend(bind(resource(spec))), STOPPING), { kind: 'suspended', neverRan: false });
    const again = bind(apply(resume(held), resumedPatch(resume(held), NOW + 9_000)), NOW + 10_000);
    assert.equal(again.status?.attempt, 2);
    assert.equal(countedAttempts(again), 1);
    const failed = change(again, CRASHED, NOW + 20_000);
    assert.match(failed.status?.message ?? '', /attempt 1 of 2 failed: .*; the next one follows in 10 s/);
    assert.equal(pausedUntil(failed), NOW + 30_000);
    const last = change(bind(failed, NOW + 30_000), CRASHED);
    assert.equal(last.status?.reason, 'BackoffLimitExceeded');
    assert.match(last.status.message ?? '', /attempt 2 of 2 failed/);
  });

  it('between two attempts keeps the pause', () => {
    const failed = suspend(change(bind(resource({ backoffLimit: 1 })), CRASHED));
    const held = apply(failed, suspendedPatch(failed, { neverRan: true }, {}, NOW + 7_000));
    assert.equal(held.status?.attempt, 1);
    const resumed = apply(resume(held), resumedPatch(resume(held), NOW + 8_000));
    assert.equal(pausedUntil(resumed), pausedUntil(failed));
  });

  it('that did not come about, since its host was lost first, is told of no longer', () => {
    const spec = { backoffLimit: 1 };
    const lost: Change = { kind: 'failed', reason: 'HostLost', message: 'gone', final: false };
    const failed = change(change(suspend(bind(resource(spec))), STOPPING), lost);
    assert.equal(condition(failed, 'Suspended'), 'none');
    assert.equal(stoppingOf(bind(failed)), undefined);
    const final = change(change(suspend(bind(resource())), STOPPING), lost);
    assert.equal(condition(final, 'Suspended'), 'none');
  });
});

describe('a deadline that is being enforced, in the status', () => {
  const spec = { activeDeadlineSeconds: 3, terminationGracePeriodSeconds: 10 };
  const stopping = change(bind(resource(spec)), OVERDUE, NOW + 3_100);

  it('is told as a Job tells it, and the grace ends so long after the deadline', () => {
    assert.equal(stopping.status?.phase, 'Running');
    assert.equal(stopping.status.reason, 'DeadlineExceeded');
    assert.equal(condition(stopping, 'FailureTarget'), 'True/DeadlineExceeded');
    assert.deepEqual(stoppingOf(stopping), { why: 'deadline', until: NOW + 3_000 + 10_000 });
  });

  it('stands when the deadline is put off, or taken away', () => {
    for (const activeDeadlineSeconds of [600, undefined]) {
      const later = {
        ...stopping,
        spec: { ...resource().spec, ...spec, ...{ activeDeadlineSeconds } },
      } as EphemeralDomain;
      assert.deepEqual(stoppingOf(later), { why: 'deadline', until: NOW + 4_000 + 10_000 });
    }
  });

  it('without grace leaves none, not even the rest of a second', () => {
    const now = change(bind(resource({ terminationGracePeriodSeconds: 0 })), STOPPING, NOW + 6_999);
    assert.deepEqual(stoppingOf(now), { why: 'suspend', until: NOW + 6_000 });
  });
});

describe('startDeadlineSeconds', () => {
  const created = Date.parse(resource().metadata.creationTimestamp);
  const spec = { startDeadlineSeconds: 5 };

  it('counts from creation, of which only the whole second is known: none is cut short', () => {
    assert.equal(startDeadlineOf(resource(spec)), created + 1_000 + 5_000);
    assert.equal(startDeadlineOf(resource()), undefined);
  });

  it('counts from the resume after a suspension', () => {
    const held = suspend(resource(spec));
    const told = apply(held, suspendedPatch(held, { neverRan: true }, {}, NOW));
    const resumed = apply(resume(told), resumedPatch(resume(told), NOW + 60_000));
    assert.equal(startDeadlineOf(resumed), NOW + 60_000 + 1_000 + 5_000);
  });
});

describe('waitingStep', () => {
  const failed = change(bind(resource({ backoffLimit: 1, activeDeadlineSeconds: 60 })), CRASHED);
  const held = (() => {
    const it = suspend(resource());
    return apply(it, suspendedPatch(it, { neverRan: true }, {}, NOW));
  })();
  const rows: readonly [string, EphemeralDomain, number, string][] = [
    ['nothing said', resource(), NOW, 'wait Infinity'],
    ['a start deadline ahead', resource({ startDeadlineSeconds: 5 }), NOW, 'wait 5000'],
    ['a start deadline over', resource({ startDeadlineSeconds: 5 }), NOW + 5_000, 'fail StartDeadlineExceeded'],
    ['a deadline ahead, between two attempts', failed, NOW + 59_000, 'wait 1000'],
    ['a deadline over, between two attempts', failed, NOW + 60_000, 'fail DeadlineExceeded'],
    [
      'a start deadline over, between two attempts',
      withSpec(failed, { startDeadlineSeconds: 1 }),
      NOW + 9_000,
      'fail StartDeadlineExceeded',
    ],
    ['to be suspended', suspend(resource()), NOW, 'suspend'],
    ['to be suspended, with a deadline over', suspend(failed), NOW + 60_000, 'suspend'],
    ['suspended', held, NOW, 'rest'],
    ['suspended, with a start deadline over', withSpec(held, { startDeadlineSeconds: 1 }), NOW + 60_000, 'rest'],
    ['to be resumed', resume(held), NOW, 'resume'],
    [
      'to be resumed, with a start deadline over',
      resume(withSpec(held, { startDeadlineSeconds: 1 })),
      NOW + 60_000,
      'resume',
    ],
  ];
  for (const [name, given, now, expected] of rows) {
    it(`${name}: ${expected}`, () => {
      const step = waitingStep(given, now);
      const detail = step.kind === 'fail' ? ` ${step.reason}` : step.kind === 'wait' ? ` ${step.leftMs}` : '';
      assert.equal(step.kind + detail, expected);
    });
  }
});

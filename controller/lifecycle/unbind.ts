import { DomainCondition, Phase, ProgressReason, policyOf } from '#controller/api/index.ts';
import type { EphemeralDomain } from '#controller/api/index.ts';
import { isPending, pausedUntil } from './attempt.ts';
import type { Change } from './next.ts';
import { clip, conditionsOf, hostOf, patch, set, started, startTimes } from './status-parts.ts';
import { withoutDomain, withoutSuspending } from './status-parts.ts';
import type { Conditions, StatusFields, StatusPatch } from './status-parts.ts';
import type { Times } from './time.ts';

/** Status patches that take an attempt from its host, or keep a resource from one. */

const NO_HOST = { host: null, address: null, domain: null } as const;

export interface Unbinding {
  readonly reason: string;
  readonly message: string;
  /** The attempt that counts as the last one. */
  readonly attempt: number;
  readonly now: number;
}

/** Bound to no host any more, and to be bound again. */
export function unbindPatch(resource: EphemeralDomain, { reason, message, attempt, now }: Unbinding): StatusPatch {
  const cleared = withoutSuspending(withoutDomain(conditionsOf(resource)));
  return patch(resource, {
    phase: Phase.Pending,
    ...NO_HOST,
    attempt: attempt === 0 ? null : attempt,
    conditions: set(resource, cleared, DomainCondition.Scheduled, 'False', reason, message, now),
    reason,
    message: clip(message),
  });
}

/**
 * It is decided that the domain, which runs, is stopped: so much is stored before the host is asked for it. One status write
 * more than a life has that nobody stops.
 */
export function stoppingPatch(
  resource: EphemeralDomain,
  { why, id }: Extract<Change, { kind: 'stopping' }>,
  times: Times,
  now: number,
): StatusPatch {
  const grace = policyOf(resource).terminationGracePeriodSeconds;
  const how = grace === 0 ? 'it is destroyed' : `it is asked to shut down, and destroyed after ${grace} s`;
  const begun = started(resource, conditionsOf(resource), 'the domain was started', times, now);
  const [reason, because, type, status] =
    why === 'deadline'
      ? (['DeadlineExceeded', 'activeDeadlineSeconds are over', DomainCondition.FailureTarget, 'True'] as const)
      : ([ProgressReason.Suspending, 'spec.suspend is set', DomainCondition.Suspended, 'Unknown'] as const);
  const message = `${because}: ${how} (host ${hostOf(resource)})`;
  return patch(resource, {
    phase: Phase.Running,
    // Below 0: it had ended already when its start was answered.
    ...(id < 0 ? {} : { domain: { id } }),
    conditions: set(resource, begun, type, status, reason, message, now),
    reason,
    message,
    ...startTimes(resource, times),
  });
}

/** Suspended. From a host: its domain has ended, or never was there. One status write, and one more for the resume. */
export function suspendedPatch(
  resource: EphemeralDomain,
  { neverRan }: Omit<Extract<Change, { kind: 'suspended' }>, 'kind'>,
  times: Times,
  now: number,
): StatusPatch {
  const { attempt = 0, suspendedAttempts = 0 } = resource.status ?? {};
  const message = 'spec.suspend is set: it is placed on no host until that is taken back';
  const fields = pendingFields(resource, 'True', ProgressReason.Suspended, message, now);
  if (isPending(resource)) return patch(resource, { ...fields, startTime: null });
  const number = neverRan ? attempt - 1 : attempt;
  return patch(resource, {
    ...fields,
    ...NO_HOST,
    attempt: number === 0 ? null : number,
    ...(neverRan ? {} : { suspendedAttempts: suspendedAttempts + 1, ...startTimes(resource, times) }),
    startTime: null,
  });
}

/** Taken back: it waits for a place again. */
export function resumedPatch(resource: EphemeralDomain, now: number): StatusPatch {
  const message = 'spec.suspend was taken back: it waits for a place';
  return patch(resource, pendingFields(resource, 'False', ProgressReason.Resumed, message, now));
}

function pendingFields(
  resource: EphemeralDomain,
  status: 'True' | 'False',
  reason: string,
  message: string,
  now: number,
): StatusFields {
  const told = set(
    resource,
    withoutDomain(conditionsOf(resource)),
    DomainCondition.Suspended,
    status,
    reason,
    message,
    now,
  );
  return {
    phase: Phase.Pending,
    conditions: unscheduled(resource, told, reason, message, now),
    reason,
    message,
  };
}

/** The pause between two attempts is told by condition Scheduled, and goes on while it is suspended. */
function unscheduled(
  resource: EphemeralDomain,
  conditions: Conditions,
  reason: string,
  message: string,
  now: number,
): NonNullable<Conditions> {
  if (pausedUntil(resource) !== undefined) return conditions ?? [];
  return set(resource, conditions, DomainCondition.Scheduled, 'False', reason, message, now);
}

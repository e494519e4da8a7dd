import { DomainCondition, findCondition, isFinished, isTrue, ProgressReason, policyOf } from '#controller/api/index.ts';
import type { Condition, EphemeralDomain, EphemeralDomainStatus } from '#controller/api/index.ts';
import { attemptUuid, domainName } from '#controller/domain/identity.ts';
import type { ExitReport } from '#controller/notify/index.ts';
import type { BoundAttempt } from './decide.ts';
import type { AttemptView, Stopping } from './next.ts';
import { timeOf } from './time.ts';

/** Where an attempt's binding stands. */
export interface Binding extends BoundAttempt {
  readonly host: string;
  readonly uuid: string;
  readonly name: string;
  readonly attempt: number;
  readonly address: string | undefined;
  /** Whether condition Ready=True is stored. */
  readonly ready: boolean;
}

/** The attempt that a resource is bound to; undefined before a binding, between attempts, and once it is finished. */
export function bindingOf(resource: EphemeralDomain): Binding | undefined {
  const { status } = resource;
  if (status === undefined || isFinished(status.phase)) return undefined;
  const { host, attempt, domain } = status;
  if (host === undefined || attempt === undefined || domain?.uuid === undefined || domain.name === undefined)
    return undefined;
  return {
    host,
    attempt,
    uuid: domain.uuid,
    name: domain.name,
    address: status.address,
    hostBoot: domain.hostBoot ?? '',
    hostDaemon: domain.hostDaemon ?? '',
    started: isTrue(status.conditions, DomainCondition.Started),
    ready: isTrue(status.conditions, DomainCondition.Ready),
    exit: exitOf(status),
  };
}

/** An attempt of which its host may hold a domain that libvirt does not know. */
export interface UnknownAttempt {
  readonly uuid: string;
  readonly name: string;
  readonly host: string;
  readonly hostBoot: string;
  readonly address: string | undefined;
}

/** The attempts that failed with HostStateUnknown, this one or earlier ones. */
export function unknownAttemptsOf({ metadata, status }: EphemeralDomain): readonly UnknownAttempt[] {
  return (status?.unknownAttempts ?? []).map(({ attempt, host, hostBoot, address }) => {
    const uuid = attemptUuid(metadata.uid, attempt);
    return { uuid, name: domainName(address, uuid), host, hostBoot, address };
  });
}

/** Whether what is stored is the binding that was to be stored. */
export function isSameBinding(
  stored: Binding | undefined,
  ours: Pick<Binding, 'uuid' | 'host' | 'address' | 'hostBoot'>,
): boolean {
  return (
    stored?.uuid === ours.uuid &&
    stored.host === ours.host &&
    stored.address === ours.address &&
    stored.hostBoot === ours.hostBoot
  );
}

/** What of a guest's word on how its work ended is stored. */
function exitOf({ exitCode, terminationMessage = '' }: EphemeralDomainStatus): ExitReport | undefined {
  return exitCode === undefined ? undefined : { code: exitCode, message: terminationMessage };
}

/** Whether a resource waits for a place: neither bound nor finished nor being deleted. */
export function isPending(resource: EphemeralDomain): boolean {
  return (
    !isFinished(resource.status?.phase) &&
    resource.metadata.deletionTimestamp === undefined &&
    bindingOf(resource) === undefined
  );
}

/** Whether it is stored that the resource is suspended: nothing of it is on a host for its sake. */
export function isSuspended({ status }: EphemeralDomain): boolean {
  return isTrue(status?.conditions, DomainCondition.Suspended);
}

/** Whether a pending resource may be bound: neither is it suspended, nor is it to be. */
export function mayBePlaced(resource: EphemeralDomain): boolean {
  return isPending(resource) && !policyOf(resource).suspend && !isSuspended(resource);
}

/** Number of the attempt that a pending resource is bound to next. */
export function nextAttempt(resource: EphemeralDomain): number {
  return (resource.status?.attempt ?? 0) + 1;
}

/** Wall clock ms at which activeDeadlineSeconds are over; undefined where there are none, or nothing was bound yet. */
export function deadlineOf(resource: EphemeralDomain): number | undefined {
  const seconds = policyOf(resource).activeDeadlineSeconds;
  const started = timeOf(resource.status?.startTime);
  if (seconds === undefined || started === undefined) return undefined;
  // startTime has whole seconds; the first attempt's binding says which moment of that second it was.
  const exact = timeOf(resource.status?.timeline?.scheduled) ?? started;
  return (exact - started < 1000 ? Math.max(exact, started) : started) + seconds * 1000;
}

/** Times that the API server keeps have whole seconds: this much later none of the seconds that were given is cut short. */
const WHOLE_SECOND_MS = 1000;

/**
 * Wall clock ms until which a host must have been asked to start it; undefined where there is no such deadline. While it is
 * suspended it does not count.
 */
export function startDeadlineOf(resource: EphemeralDomain): number | undefined {
  const seconds = policyOf(resource).startDeadlineSeconds;
  const suspended = findCondition(resource.status?.conditions, DomainCondition.Suspended);
  const resumed = suspended?.reason === ProgressReason.Resumed ? suspended.lastTransitionTime : undefined;
  const begun = timeOf(resumed ?? resource.metadata.creationTimestamp);
  if (seconds === undefined || begun === undefined) return undefined;
  return begun + WHOLE_SECOND_MS + seconds * 1000;
}

/** The decision to stop a bound attempt's domain, as far as it is stored. */
export function stoppingOf(resource: EphemeralDomain): Stopping | undefined {
  const { conditions } = resource.status ?? {};
  const failing = findCondition(conditions, DomainCondition.FailureTarget);
  const suspended = findCondition(conditions, DomainCondition.Suspended);
  // A deadline that is put off once it is over changes nothing any more.
  if (failing?.status === 'True') return { why: 'deadline', until: graceEnd(resource, failing, deadlineOf(resource)) };
  return suspended?.status === 'Unknown' ? { why: 'suspend', until: graceEnd(resource, suspended) } : undefined;
}

/** Wall clock ms at which the grace is over that began with a decision, or before it, when a deadline was over. */
function graceEnd(resource: EphemeralDomain, { lastTransitionTime }: Condition, deadline = Infinity): number {
  const graceMs = policyOf(resource).terminationGracePeriodSeconds * 1000;
  const decided = timeOf(lastTransitionTime) ?? 0;
  return graceMs === 0 ? decided : Math.min(deadline, decided + WHOLE_SECOND_MS) + graceMs;
}

/** What of a bound resource decides over its attempt. `confirmed`: see AttemptView. */
export function viewOfAttempt(resource: EphemeralDomain, bound: Binding, confirmed: boolean): AttemptView {
  const { suspend, terminationGracePeriodSeconds } = policyOf(resource);
  return {
    bound,
    deadline: deadlineOf(resource),
    startDeadline: startDeadlineOf(resource),
    graceMs: terminationGracePeriodSeconds * 1000,
    suspend,
    stopping: stoppingOf(resource),
    readyBy: undefined,
    untold: false,
    confirmed,
  };
}

/** An attempt that is over, or nobody's: there is nothing to decide but what becomes of its trace. */
export const NO_ATTEMPT: AttemptView = {
  ...{ bound: undefined, stopping: undefined, suspend: false, confirmed: false },
  ...{ deadline: undefined, startDeadline: undefined, graceMs: 0, readyBy: undefined, untold: false },
};

/** Attempts that backoffLimit counts, the bound one included: what a suspension ended does not count. */
export function countedAttempts({ status }: EphemeralDomain): number {
  return Math.max((status?.attempt ?? 1) - (status?.suspendedAttempts ?? 0), 1);
}

/** Wall clock ms at which a finished resource is to be deleted; undefined: never, or not finished. */
export function expiryOf(resource: EphemeralDomain): number | undefined {
  const seconds = policyOf(resource).ttlSecondsAfterFinished;
  const completed = timeOf(resource.status?.completionTime);
  if (seconds === undefined || completed === undefined || !isFinished(resource.status?.phase)) return undefined;
  return completed + seconds * 1000;
}

const FIRST_PAUSE_MS = 10_000;
const LONGEST_PAUSE_MS = 360_000;

/** Pause after so many failed attempts, ms: 10 s, 20 s, … at most 6 min, as in a Job. */
export function pauseAfter(failedAttempts: number): number {
  return Math.min(FIRST_PAUSE_MS * 2 ** Math.max(failedAttempts - 1, 0), LONGEST_PAUSE_MS);
}

/** Wall clock ms before which a pending resource is not bound again; undefined: at once. */
export function pausedUntil(resource: EphemeralDomain): number | undefined {
  const scheduled = findCondition(resource.status?.conditions, DomainCondition.Scheduled);
  if (scheduled?.status !== 'False' || scheduled.reason !== ProgressReason.BackOff) return undefined;
  const failed = timeOf(scheduled.lastTransitionTime);
  return failed === undefined ? undefined : failed + pauseAfter(countedAttempts(resource));
}

/** What became of an attempt whose domain stands on a host, as far as this version of its resource tells. */
export type AttemptState =
  /** It goes on there. */
  | 'bound'
  /** Its end is stored, or nobody wants to know it any more. */
  | 'over'
  /** This version of the resource is older than the attempt, or it is another's. */
  | 'unknown';

/** An attempt's number never falls below one that was bound, but where that one never ran: so what says 'over' is final. */
export function stateOfAttempt(resource: EphemeralDomain, uuid: string, attempt: number): AttemptState {
  const { status } = resource;
  const binding = bindingOf(resource);
  if (binding?.uuid === uuid) return 'bound';
  const current = status?.attempt ?? 0;
  if (current > attempt) return 'over';
  if (current < attempt) return 'unknown';
  return binding === undefined ? 'over' : 'unknown';
}

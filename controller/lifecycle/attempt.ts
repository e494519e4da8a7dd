import { DomainCondition, findCondition, isFinished, isTrue, policyOf, ProgressReason } from '#controller/api/index.ts';
import type { EphemeralDomain } from '#controller/api/index.ts';
import type { BoundAttempt } from './decide.ts';
import { timeOf } from './time.ts';

/** Where an attempt's binding stands. */
export interface Binding extends BoundAttempt {
  readonly host: string;
  readonly uuid: string;
  readonly name: string;
  readonly attempt: number;
  readonly address: string | undefined;
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
  };
}

/** Whether a resource waits for a place: neither bound nor finished nor being deleted. */
export function isPending(resource: EphemeralDomain): boolean {
  return (
    !isFinished(resource.status?.phase) &&
    resource.metadata.deletionTimestamp === undefined &&
    bindingOf(resource) === undefined
  );
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
  return failed === undefined ? undefined : failed + pauseAfter(resource.status?.attempt ?? 1);
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

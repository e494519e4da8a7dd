import { EndReason, policyOf } from '#controller/api/index.ts';
import type { EphemeralDomain } from '#controller/api/index.ts';
import { deadlineOf, isSuspended, startDeadlineOf } from './attempt.ts';

/** What is to become of a resource that is bound to no host, apart from being placed. */
export type WaitingStep =
  | { readonly kind: 'suspend' }
  | { readonly kind: 'resume' }
  | { readonly kind: 'fail'; readonly reason: 'StartDeadlineExceeded' | 'DeadlineExceeded'; readonly message: string }
  /** `leftMs`: until a deadline is over; Infinity without one. */
  | { readonly kind: 'wait'; readonly leftMs: number }
  /** Suspended: nothing counts until that is taken back. */
  | { readonly kind: 'rest' };

/** Decides over a pending resource. `now`: wall clock ms. Suspended first, as in a Job: its deadlines do not count then. */
export function waitingStep(resource: EphemeralDomain, now: number): WaitingStep {
  if (policyOf(resource).suspend) return { kind: isSuspended(resource) ? 'rest' : 'suspend' };
  if (isSuspended(resource)) return { kind: 'resume' };
  const startDeadline = startDeadlineOf(resource) ?? Infinity;
  const deadline = deadlineOf(resource) ?? Infinity;
  if (startDeadline <= now) {
    const message = `startDeadlineSeconds have passed before a host was asked to start it${lastTold(resource)}`;
    return { kind: 'fail', reason: EndReason.StartDeadlineExceeded, message };
  }
  if (deadline <= now) {
    const message = `activeDeadlineSeconds have passed between two attempts${lastTold(resource)}`;
    return { kind: 'fail', reason: EndReason.DeadlineExceeded, message };
  }
  return { kind: 'wait', leftMs: Math.min(startDeadline, deadline) - now };
}

/** Why it waited, which the failure is told in place of. */
function lastTold({ status }: EphemeralDomain): string {
  return status?.message === undefined || status.message === '' ? '' : `; before that: ${status.message}`;
}

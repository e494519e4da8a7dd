import { judge } from './decide.ts';
import type { Asked, BoundAttempt, FailureReason, HostIdentity } from './decide.ts';
import type { End, Found } from './trace.ts';

/** What of a resource decides over one attempt. */
export interface AttemptView {
  /** Absent once the attempt is over: the resource is finished, bound to a later attempt, unbound, or gone. */
  readonly bound: BoundAttempt | undefined;
  /** Wall clock, ms: when activeDeadlineSeconds are over. */
  readonly deadline: number | undefined;
  /** Whether this is what the API server holds now, and not only what a cache says. */
  readonly confirmed: boolean;
}

export type HostView =
  | { readonly answering: true; readonly identity: HostIdentity }
  /** `lostIn`: ms until its domains count as lost; 0 or less: they do. */
  | { readonly answering: false; readonly lostIn: number };

/** All that is known of one attempt and its domain. */
export interface Knowledge {
  readonly attempt: AttemptView;
  readonly host: HostView;
  /** Absent where nobody looked on this connection. */
  readonly found: Found | undefined;
  readonly asked: Asked;
  /** Wall clock, ms. */
  readonly now: number;
}

/** What is to be stored in the resource's status. */
export type Change =
  | { readonly kind: 'running'; readonly id: number }
  | { readonly kind: 'succeeded'; readonly end: End }
  | { readonly kind: 'failed'; readonly reason: AttemptFailure; readonly message: string; readonly final: boolean }
  /** Unbound, the same attempt again: it never ran. */
  | { readonly kind: 'rebind'; readonly heldBy: string }
  /** Unbound, the same attempt again: it never ran, and cannot for lack of something that gives it its place back meanwhile. */
  | { readonly kind: 'unbind'; readonly reason: 'ConfigMapNotFound'; readonly message: string };

export type AttemptFailure =
  | FailureReason
  | 'DeadlineExceeded'
  | 'HostLost'
  | 'HostRemoved'
  | 'ImageNotFound'
  | 'InvalidCommandLine'
  | 'InvalidParameters'
  | 'InvalidTemplate';

/** The one next thing to do. After it everything is looked at again. */
export type Step =
  | { readonly kind: 'rest'; readonly recheckAfterMs: number | undefined }
  | { readonly kind: 'look'; readonly afterMs: number }
  /** Read the resource from the API server itself. */
  | { readonly kind: 'confirm' }
  | { readonly kind: 'start'; readonly defined: boolean }
  | { readonly kind: 'write'; readonly change: Change }
  | { readonly kind: 'acknowledge' };

/** A create that is under way is looked at so often: one takes about a second. */
const LOOK_AGAIN_MS = 500;

/** The reconciler's heart: from what is known, the next step. Everything that touches the world is outside it. */
export function nextStep(known: Knowledge): Step {
  const { attempt, host, found } = known;
  if (attempt.bound === undefined) return afterItsEnd(host, found);
  if (!host.answering) return whileSilent(host.lostIn, known);
  if (found === undefined && known.asked.kind !== 'not-yet') return { kind: 'look', afterMs: 0 };
  const verdict = judge(attempt.bound, host.identity, found ?? { kind: 'absent' }, known.asked);
  switch (verdict.kind) {
    case 'succeeded':
      return { kind: 'write', change: { kind: 'succeeded', end: verdict.end } };
    case 'failed':
      return failure(verdict.reason, verdict.message);
    case 'rebind':
      return { kind: 'write', change: { kind: 'rebind', heldBy: verdict.heldBy } };
    case 'adopt':
      if (isOverdue(known)) return overdue();
      if (!attempt.bound.started) return { kind: 'write', change: { kind: 'running', id: verdict.id } };
      return { kind: 'rest', recheckAfterMs: untilDeadline(known) };
    case 'start':
      if (isOverdue(known)) return overdue();
      return attempt.confirmed ? { kind: 'start', defined: verdict.defined } : { kind: 'confirm' };
    case 'look-again':
      return isOverdue(known) ? overdue() : { kind: 'look', afterMs: LOOK_AGAIN_MS };
  }
}

/** The end is stored (or nobody wants to know it any more): the trace goes. */
function afterItsEnd(host: HostView, found: Found | undefined): Step {
  if (!host.answering || found?.kind === 'absent') return { kind: 'rest', recheckAfterMs: undefined };
  return found === undefined ? { kind: 'look', afterMs: 0 } : { kind: 'acknowledge' };
}

function whileSilent(lostIn: number, known: Knowledge): Step {
  if (isOverdue(known)) return overdue();
  if (lostIn <= 0) return failure('HostLost', 'its host answers no more: whether the domain still runs is not known');
  const deadline = untilDeadline(known);
  return { kind: 'rest', recheckAfterMs: deadline === undefined ? lostIn : Math.min(lostIn, deadline) };
}

function failure(reason: AttemptFailure, message: string): Step {
  return { kind: 'write', change: { kind: 'failed', reason, message, final: false } };
}

function untilDeadline({ attempt, now }: Knowledge): number | undefined {
  return attempt.deadline === undefined ? undefined : Math.max(attempt.deadline - now, 0);
}

function isOverdue(known: Knowledge): boolean {
  return untilDeadline(known) === 0;
}

/** Stored first and destroyed after it: the other way round a crash between the two would lose why it was destroyed. */
function overdue(): Step {
  const message = 'it was active for longer than activeDeadlineSeconds allows';
  return { kind: 'write', change: { kind: 'failed', reason: 'DeadlineExceeded', message, final: true } };
}

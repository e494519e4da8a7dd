import { judge } from './decide.ts';
import type { Asked, BoundAttempt, FailureReason, HostIdentity, Verdict } from './decide.ts';
import type { End, Found } from './trace.ts';
import type { ValueLack } from './values.ts';

/** What of a resource decides over one attempt. */
export interface AttemptView {
  /** Absent once the attempt is over: the resource is finished, bound to a later attempt, unbound, or gone. */
  readonly bound: BoundAttempt | undefined;
  /** Wall clock, ms: when activeDeadlineSeconds are over. */
  readonly deadline: number | undefined;
  /** Wall clock, ms: until when a host must have been asked to start it. */
  readonly startDeadline: number | undefined;
  /** ms from being asked to shut down until it is destroyed; 0: it is not asked. */
  readonly graceMs: number;
  /** Whether it is to be suspended. */
  readonly suspend: boolean;
  /** Absent unless it is stored that its domain is to be stopped. */
  readonly stopping: Stopping | undefined;
  /** Wall clock, ms: until when it has to be ready; undefined: it is, or has all the time there is, or was not started. */
  readonly readyBy: number | undefined;
  /** Wall clock, ms: until when it is not worth a write that it runs, since its end may follow at once and say both; absent: it is. */
  readonly quietUntil?: number | undefined;
  /** Whether it was heard to be ready, or to have an exit code, and its status does not say so yet. */
  readonly untold: boolean;
  /** Whether this is what the API server holds now, and not only what a cache says. */
  readonly confirmed: boolean;
}

/** A stored decision: it stands, whatever is decided or changed after it. */
export interface Stopping {
  readonly why: 'deadline' | 'suspend';
  /** Wall clock, ms: when the domain has had its grace and is destroyed. */
  readonly until: number;
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
  /** Whether this process has asked the host on this connection to shut the domain down. */
  readonly shutdownAsked: boolean;
  /** Wall clock, ms. */
  readonly now: number;
}

/** What is to be stored in the resource's status. */
export type Change =
  | { readonly kind: 'running'; readonly id: number }
  /** What was heard of its guest since Running was stored. */
  | { readonly kind: 'heard' }
  | { readonly kind: 'succeeded'; readonly end: End }
  | { readonly kind: 'failed'; readonly reason: AttemptFailure; readonly message: string; readonly final: boolean }
  /** Unbound, the same attempt again: it never ran. */
  | { readonly kind: 'rebind'; readonly heldBy: string }
  /** Unbound, the same attempt again: it never ran, and cannot for lack of something that gives it its place back meanwhile. */
  | { readonly kind: 'unbind'; readonly reason: ValueLack; readonly message: string }
  /** It is decided that the domain, which runs, is stopped. */
  | { readonly kind: 'stopping'; readonly why: Stopping['why']; readonly id: number }
  /** Unbound, and suspended. `neverRan`: nobody was asked to start it, so the same attempt may be bound again. */
  | { readonly kind: 'suspended'; readonly neverRan: boolean };

/** Whether a change says that its attempt never ran, and never will: the same one is bound again. */
export function hasNeverRun(change: Change): boolean {
  return change.kind === 'rebind' || change.kind === 'unbind' || (change.kind === 'suspended' && change.neverRan);
}

export type AttemptFailure =
  | FailureReason
  | 'DeadlineExceeded'
  | 'StartDeadlineExceeded'
  | 'DiskFailed'
  | 'HostLost'
  | 'HostRemoved'
  | 'ImageNotFound'
  | 'InvalidCommandLine'
  | 'InvalidParameters'
  | 'InvalidTemplate'
  | 'ReadinessTimeout';

/** The one next thing to do. After it everything is looked at again. */
export type Step =
  | { readonly kind: 'rest'; readonly recheckAfterMs: number | undefined }
  | { readonly kind: 'look'; readonly afterMs: number }
  /** Read the resource from the API server itself. */
  | { readonly kind: 'confirm' }
  | { readonly kind: 'start'; readonly defined: boolean }
  | { readonly kind: 'write'; readonly change: Change }
  /** Ask the domain to end by itself; an answer after so long would come too late. */
  | { readonly kind: 'shutdown'; readonly withinMs: number }
  /** End the domain, and leave its trace. */
  | { readonly kind: 'destroy' }
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
  if (attempt.stopping !== undefined) return whileStopping(known, attempt.stopping, verdict);
  switch (verdict.kind) {
    case 'succeeded':
      return { kind: 'write', change: { kind: 'succeeded', end: verdict.end } };
    case 'failed':
      return failure(verdict.reason, verdict.message);
    case 'rebind':
      return { kind: 'write', change: { kind: 'rebind', heldBy: verdict.heldBy } };
    case 'adopt':
      return whileItRuns(known, attempt.bound, verdict.id);
    case 'start':
      return beforeItsStart(known, verdict.defined);
    case 'look-again':
      return isPast(known, endOfGrace(known)) ? overdue() : { kind: 'look', afterMs: LOOK_AGAIN_MS };
  }
}

/** Of the two that may stop it the suspension comes first, as in a Job: its deadline does not count while it is suspended. */
function whileItRuns(known: Knowledge, bound: BoundAttempt, id: number): Step {
  const { attempt } = known;
  if (attempt.suspend) return { kind: 'write', change: { kind: 'stopping', why: 'suspend', id } };
  if (isPast(known, endOfGrace(known))) return overdue();
  if (isPast(known, attempt.deadline)) return { kind: 'write', change: { kind: 'stopping', why: 'deadline', id } };
  if (!bound.started) {
    return isQuiet(known)
      ? { kind: 'rest', recheckAfterMs: soonest(known, [attempt.deadline, attempt.quietUntil]) }
      : { kind: 'write', change: { kind: 'running', id } };
  }
  return ofItsGuest(known) ?? { kind: 'rest', recheckAfterMs: soonest(known, [attempt.deadline, attempt.readyBy]) };
}

function isQuiet({ attempt: { quietUntil, untold }, now }: Knowledge): boolean {
  return quietUntil !== undefined && quietUntil > now && !untold;
}

/** It never ran, and the host may be asked. */
function beforeItsStart(known: Knowledge, defined: boolean): Step {
  const { attempt, asked } = known;
  // Where anybody else may have asked, or the host has a trace of it, its number is used up.
  if (attempt.suspend) return suspended(asked.kind === 'not-yet' && !defined);
  if (isPast(known, attempt.startDeadline)) return startOverdue();
  if (isPast(known, attempt.deadline)) return overdue();
  return attempt.confirmed ? { kind: 'start', defined } : { kind: 'confirm' };
}

/** It is stored that the domain is stopped: however it ends now, that is why. */
function whileStopping(known: Knowledge, { why, until }: Stopping, verdict: Verdict): Step {
  const ended = why === 'deadline' ? overdue() : suspended(false);
  if (verdict.kind === 'adopt') {
    if (isPast(known, until)) return why === 'deadline' ? ended : { kind: 'destroy' };
    const left = until - known.now;
    return known.shutdownAsked ? { kind: 'rest', recheckAfterMs: left } : { kind: 'shutdown', withinMs: left };
  }
  if (verdict.kind !== 'look-again' || (why === 'deadline' && isPast(known, until))) return ended;
  return { kind: 'look', afterMs: LOOK_AGAIN_MS };
}

/** The end is stored (or nobody wants to know it any more): the trace goes. */
function afterItsEnd(host: HostView, found: Found | undefined): Step {
  if (!host.answering || found?.kind === 'absent') return { kind: 'rest', recheckAfterMs: undefined };
  return found === undefined ? { kind: 'look', afterMs: 0 } : { kind: 'acknowledge' };
}

function whileSilent(lostIn: number, known: Knowledge): Step {
  const { attempt, asked, now } = known;
  const { stopping } = attempt;
  const decidedToFail = stopping?.why === 'deadline';
  if (stopping === undefined && asked.kind === 'not-yet') {
    if (attempt.suspend) return suspended(true);
    if (isPast(known, attempt.startDeadline)) return startOverdue();
    if (isPast(known, attempt.deadline)) return overdue();
  }
  const end = decidedToFail ? stopping.until : stopping === undefined ? endOfGrace(known) : undefined;
  if (isPast(known, end)) return overdue();
  // A guest speaks to us without its host's libvirtd.
  const heard = stopping === undefined && attempt.bound?.started === true ? ofItsGuest(known) : undefined;
  if (heard !== undefined) return heard;
  if (lostIn <= 0) {
    if (decidedToFail) return overdue();
    return failure('HostLost', 'its host answers no more: whether the domain still runs is not known');
  }
  const times = asked.kind === 'not-yet' ? [end, attempt.startDeadline, attempt.deadline] : [end, attempt.readyBy];
  return { kind: 'rest', recheckAfterMs: soonest(known, [...times, now + lostIn]) };
}

/** What is due for a domain whose Running is stored; what was heard comes first, so that it is never too late by a write. */
function ofItsGuest(known: Knowledge): Step | undefined {
  if (known.attempt.untold) return { kind: 'write', change: { kind: 'heard' } };
  if (!isPast(known, known.attempt.readyBy)) return undefined;
  return failure('ReadinessTimeout', 'it was not ready within readiness.timeoutSeconds after it was started');
}

function failure(reason: AttemptFailure, message: string): Step {
  return { kind: 'write', change: { kind: 'failed', reason, message, final: false } };
}

/** ms until the first of these times (wall clock, ms); undefined where there is none. */
function soonest({ now }: Knowledge, times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.max(Math.min(...known) - now, 0);
}

function isPast({ now }: Knowledge, time: number | undefined): boolean {
  return time !== undefined && time <= now;
}

/** When a domain whose deadline is over has had its grace too, were it asked to shut down or not. */
function endOfGrace({ attempt }: Knowledge): number | undefined {
  return attempt.deadline === undefined ? undefined : attempt.deadline + attempt.graceMs;
}

/** Stored first and destroyed after it: the other way round a crash between the two would lose why it was destroyed. */
function overdue(): Step {
  const message = 'it was active for longer than activeDeadlineSeconds allows';
  return { kind: 'write', change: { kind: 'failed', reason: 'DeadlineExceeded', message, final: true } };
}

function startOverdue(): Step {
  const message = 'startDeadlineSeconds have passed before its host was asked to start it';
  return { kind: 'write', change: { kind: 'failed', reason: 'StartDeadlineExceeded', message, final: true } };
}

function suspended(neverRan: boolean): Step {
  return { kind: 'write', change: { kind: 'suspended', neverRan } };
}

import type { Exchange, Failure, Mark, Span } from '../proxy/index.ts';
import { phasesOf } from '../spawn/index.ts';
import type { Spawned } from '../spawn/index.ts';
import type { Backend } from '../routes/index.ts';

/** How far a request came, and what it is known by; all that its Server-Timing and its line in the log are made of. */
export interface Visit {
  readonly exchange: Exchange;
  backend?: Backend;
  /** It asked for a slot. Monotonic ms, as all times here. */
  askedAt?: number;
  /** It has one. */
  admittedAt?: number;
  /** The domain that serves it, the second where the first failed. */
  spawned?: Spawned;
  tries: number;
  /** Of the answer, once it has begun. */
  status?: number;
  readonly marks: Map<Mark, number>;
  /** What it was refused or failed for; undefined: it was answered by its guest, or left. */
  failure?: Pick<Failure, 'phase' | 'reason'>;
}

export const beginVisit = (exchange: Exchange): Visit => ({ exchange, tries: 0, marks: new Map() });

/**
 * Where the time from the request's head went, until its answer's head or else until now: consecutive spans, whose sum is
 * the whole.
 */
export const spansOf = (visit: Visit, now: number): readonly Span[] => {
  const { exchange, marks } = visit;
  const over = spansOver(visit);
  const told = over.reduce((sum, { ms }) => sum + ms, 0);
  const rest = (marks.get('head') ?? now) - exchange.receivedMs - told;
  return [...over, { name: spanUnderway(visit), ms: rest }];
};

const spansOver = ({ exchange, admittedAt, spawned, marks, tries }: Visit): readonly Span[] => {
  if (admittedAt === undefined || spawned === undefined) return [];
  const { begun, reachable } = spawned.marks;
  const isSecond = tries > 1;
  const admission = { name: 'admission', ms: (isSecond ? admittedAt : begun) - exchange.receivedMs };
  // What a first try took that failed.
  const retry = isSecond ? [{ name: 'retry', ms: begun - admittedAt }] : [];
  const sent = marks.get('sent');
  const connect = sent === undefined || reachable === undefined ? [] : [{ name: 'connect', ms: sent - reachable }];
  return [admission, ...retry, ...phasesOf(spawned.marks), ...connect];
};

const spanUnderway = ({ spawned, marks }: Visit): string => {
  if (spawned === undefined) return 'admission';
  if (marks.has('sent')) return 'guest';
  const { created, ready, reachable } = spawned.marks;
  if (reachable !== undefined) return 'connect';
  if (ready !== undefined) return 'ready';
  return created === undefined ? 'api' : 'spawn';
};

/** How far a request has come. */
export const phaseOf = ({ askedAt, admittedAt, spawned, marks, status }: Visit): Failure['phase'] => {
  if (status !== undefined) return 'answer';
  if (marks.has('sent')) return 'guest';
  if (spawned?.marks.reachable !== undefined) return 'connect';
  if (spawned?.marks.bound !== undefined) return 'boot';
  if (spawned?.marks.created !== undefined) return 'schedule';
  if (admittedAt !== undefined) return 'create';
  return askedAt === undefined ? 'request' : 'admission';
};

/** Notes where a request was when nobody waited for its answer any more; nothing where it had it. */
export const noteLeaving = (visit: Visit): void => {
  const { left, answer } = visit.exchange;
  const isAnswered = visit.status !== undefined && answer.state === 'whole';
  if (left === undefined || visit.failure !== undefined || isAnswered) return;
  visit.failure = { phase: phaseOf(visit), reason: left };
  // Whoever cuts a request that has no answer yet gives it one.
  if (left === 'drain-limit') visit.status ??= 503;
};

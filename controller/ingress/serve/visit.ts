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

/** Where the time from the request's head until now went: consecutive spans, whose sum is the whole. */
export const spansOf = (visit: Visit, now: number): readonly Span[] => {
  const { exchange, admittedAt, spawned, marks, tries } = visit;
  if (admittedAt === undefined) return [{ name: 'admission', ms: now - exchange.receivedMs }];
  const admission = { name: 'admission', ms: admittedAt - exchange.receivedMs };
  if (spawned === undefined) return [admission];
  const { begun, reachable } = spawned.marks;
  // What a first try took that failed.
  const retry = tries > 1 ? [{ name: 'retry', ms: begun - admittedAt }] : [];
  const spawn = phasesOf(spawned.marks);
  if (reachable === undefined) return [admission, ...retry, ...spawn];
  const sent = marks.get('sent');
  const connect = sent === undefined ? [] : [{ name: 'connect', ms: sent - reachable }];
  const guest = sent === undefined ? [] : [{ name: 'guest', ms: (marks.get('head') ?? now) - sent }];
  return [admission, ...retry, ...spawn, ...connect, ...guest];
};

/** Where a visitor was when it left. */
export const phaseOf = ({ askedAt, admittedAt, spawned, marks, exchange }: Visit): Failure['phase'] => {
  if (exchange.answer.state !== 'open') return 'answer';
  if (marks.has('sent')) return 'guest';
  if (spawned?.marks.reachable !== undefined) return 'connect';
  if (spawned?.marks.bound !== undefined) return 'boot';
  if (spawned?.marks.created !== undefined) return 'schedule';
  if (admittedAt !== undefined) return 'create';
  return askedAt === undefined ? 'request' : 'admission';
};

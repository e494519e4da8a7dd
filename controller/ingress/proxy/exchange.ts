import type { Duplex } from 'node:stream';

import type { Clock } from '#controller/kube/clock.ts';
import type { Head } from './head/types.ts';
import type { ReadAhead } from './read-ahead.ts';

/** What a visitor asks, and the one place to answer it; the same over HTTP/1.1, HTTP/2 and an upgrade's bare socket. */
export interface Exchange {
  readonly head: Head;
  readonly connection: ConnectionFacts;
  /** Monotonic ms at which the head was whole. */
  readonly receivedMs: number;
  readonly body: ReadAhead;
  /** Whether the whole body is here, or there is none. */
  readonly bodyIsWhole: () => boolean;
  readonly trailers: () => readonly string[];
  readonly answer: Answer;
  /** Aborts when nobody waits for the answer any more; its reason is a Leaving. */
  readonly signal: AbortSignal;
  /** Ends an exchange that a drain has no more time for: 503 where nothing was answered, else the answer is cut. */
  readonly cut: () => void;
}

/** Why nobody waits any more. */
export type Leaving = 'visitor-left' | 'drain-limit';

export interface ConnectionFacts {
  readonly protocol: 'http/1' | 'http/2';
  readonly peer: string;
  readonly tls: boolean;
  /** By SNI; undefined without it. */
  readonly servername?: string | undefined;
}

export type AnswerState = 'open' | 'begun' | 'whole' | 'broken';

/** Names and values in turn. */
export type FlatHeaders = readonly string[];

export interface WholeAnswer {
  readonly status: number;
  readonly headers: FlatHeaders;
  readonly body: string;
}

/** Where an answer goes. After it is broken, by either side, all of these do nothing. */
export interface Answer {
  readonly state: AnswerState;
  /** Falls as the visitor takes what was written: bytes that are still held, some counted twice. */
  readonly pending: number;
  /** Tells a visitor who waits to send its body. */
  readonly goOn: () => void;
  /** A 1xx other than 100 and 101; left out for HTTP/1.0. */
  readonly inform: (status: number, headers: FlatHeaders) => void;
  /** Status and headers without framing, which is this leg's own: a length where it is known. */
  readonly begin: (status: number, headers: FlatHeaders, length: number | undefined) => void;
  /** False where the visitor should be waited for. */
  readonly write: (chunk: Buffer) => boolean;
  /** Resolves when more can be written, or nothing can. */
  readonly drained: () => Promise<void>;
  /** Resolves when the connection has taken all of it, or is gone. */
  readonly end: (trailers?: FlatHeaders) => Promise<void>;
  /** An answer of the ingress itself. A body that is still under way is thrown away within limits. */
  readonly whole: (answer: WholeAnswer) => Promise<void>;
  /** Breaks the answer off so that nobody can take it for whole. */
  readonly cut: () => void;
  /** Only where the head has upgrades: answers 101; the visitor's own stream, its first bytes still to be read. */
  readonly upgrade?: ((headers: FlatHeaders) => Duplex) | undefined;
}

export interface Beginning {
  /** Of a body that is longer, so much must be here; of a shorter one, all. Where no length is told nothing is awaited. */
  readonly bytes: number;
  readonly ms: number;
}

/** What must be here before a place is taken for a request, so that nobody holds one by a body that does not come. */
export const BEGINNING: Beginning = { bytes: 64 * 1024, ms: 10_000 };

/** So many turns of the event loop after a head Node tells of an end of the connection that came with it. */
const TURNS = 3;

/**
 * Waits for a body's beginning; `late` is for 408, `left` also for who has cancelled right after the head. A visitor who
 * waits for a 100 has nothing to send yet, so that there is nothing to wait for; nor is there where the budget of all
 * bodies is spent, and this one is held back for no fault of its own.
 */
export const awaitBeginning = async (
  { head, body, signal }: Pick<Exchange, 'head' | 'body' | 'signal'>,
  { bytes, ms }: Beginning,
  clock: Clock,
): Promise<'here' | 'late' | 'left'> => {
  for (let turn = 0; turn < TURNS && !signal.aborted; turn += 1) await new Promise(setImmediate);
  const enough = head.framing.kind === 'length' && !head.expectsContinue ? Math.min(head.framing.bytes, bytes) : 0;
  // Most have no body, and wait for nothing.
  if (enough === 0) return signal.aborted || body.state === 'broken' ? 'left' : 'here';
  let isHeldBack = false;
  const late = new AbortController();
  const timer = clock.after(ms, () => late.abort());
  const isLate = new Promise<void>((resolve) => late.signal.addEventListener('abort', () => resolve(), { once: true }));
  while (body.state === 'open' && body.received < enough && !late.signal.aborted) {
    body.start();
    isHeldBack = body.paused;
    if (isHeldBack) break;
    await Promise.race([body.changed(), isLate]);
  }
  timer.cancel();
  if (signal.aborted || body.state === 'broken') return 'left';
  return body.received >= enough || isHeldBack ? 'here' : 'late';
};

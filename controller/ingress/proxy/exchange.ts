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
  /** Why nobody waits for the answer any more; undefined while somebody does. */
  readonly left: Leaving | undefined;
  /** Aborts when nobody does; its reason is a Leaving. */
  readonly signal: AbortSignal;
  /** Ends an exchange that a drain has no more time for: 503 where nothing was answered, else the answer is cut. */
  cut(): void;
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
  goOn(): void;
  /** A 1xx other than 100 and 101; left out for HTTP/1.0. */
  inform(status: number, headers: FlatHeaders): void;
  /** Status and headers without framing, which is this leg's own: a length where it is known. */
  begin(status: number, headers: FlatHeaders, length: number | undefined): void;
  /** False where the visitor should be waited for. */
  write(chunk: Buffer): boolean;
  /** Resolves when more can be written, or nothing can. */
  drained(): Promise<void>;
  /** Resolves when the connection has taken all of it, or is gone. */
  end(trailers?: FlatHeaders): Promise<void>;
  /** An answer of the ingress itself. A body that is still under way is thrown away within limits. */
  whole(answer: WholeAnswer): Promise<void>;
  /** Breaks the answer off so that nobody can take it for whole. */
  cut(): void;
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
  exchange: Pick<Exchange, 'head' | 'body' | 'left'>,
  { bytes, ms }: Beginning,
  clock: Clock,
): Promise<'here' | 'late' | 'left'> => {
  const { head } = exchange;
  for (let turn = 0; turn < TURNS && exchange.left === undefined; turn += 1) await new Promise(setImmediate);
  // Most have no body, and wait for nothing.
  if (head.framing.kind === 'none') return exchange.left === undefined ? 'here' : 'left';
  const { body } = exchange;
  const enough = head.framing.kind === 'length' && !head.expectsContinue ? Math.min(head.framing.bytes, bytes) : 0;
  const isGone = () => exchange.left !== undefined || body.state === 'broken';
  if (enough === 0) return isGone() ? 'left' : 'here';
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
  if (isGone()) return 'left';
  return body.received >= enough || isHeldBack ? 'here' : 'late';
};

import type { Socket } from 'node:net';

import type { Clock } from '#controller/kube/clock.ts';
import type { Exchange, FlatHeaders } from '../exchange.ts';
import type { Budget } from '../read-ahead.ts';

/** Where a guest is reached: by a connection of the leg's own, or one that readiness was told by. */
export type GuestAddress =
  | { readonly kind: 'address'; readonly address: string; readonly port: number }
  | { readonly kind: 'connected'; readonly socket: Socket };

export interface LegLimits {
  /** From the beginning of the leg to the last byte of the answer; an upgrade ends it. */
  readonly totalMs: number;
  readonly connectMs: number;
  /** What a visitor must send, and take, while a guest is held for it. */
  readonly minBytesPerSecond: number;
  readonly rateWindowMs: number;
  /** Upgraded: without a byte either way. */
  readonly idleMs: number;
  /** Upgraded: after the first side has ended. */
  readonly halfClosedMs: number;
  /** From the guest's end, as its resource tells it, until nothing more is expected of its connection. */
  readonly endedGraceMs: number;
  /** Of an answer, before the visitor takes it. */
  readonly answerAheadBytes: number;
}

export const LEG_LIMITS: LegLimits = {
  totalMs: 60_000,
  connectMs: 1_000,
  minBytesPerSecond: 240,
  rateWindowMs: 5_000,
  idleMs: 300_000,
  halfClosedMs: 10_000,
  endedGraceMs: 250,
  answerAheadBytes: 256 * 1024,
};

/** Bytes of all answers that one process holds. */
export const ANSWER_BUDGET_BYTES = 64 * 1024 * 1024;

/** `connected`, `sent`: the first byte went to the guest; `head`, `answered`: the guest's answer began, was whole. */
export type Mark = 'connected' | 'sent' | 'head' | 'answered';

export interface Leg {
  readonly exchange: Exchange;
  readonly limits: LegLimits;
  /** Resolves when the guest is gone, as others than its connection know: a powered-off guest sends no FIN. */
  readonly ended: Promise<unknown>;
  readonly clock: Clock;
  readonly budget: Budget;
  /** What the ingress adds to a guest's answer. */
  readonly decorate: (status: number) => FlatHeaders;
  readonly onMark: (mark: Mark) => void;
}

export type Fault =
  /** No connection: refused, no route, or not within its time. */
  | 'not-connected'
  /** The guest's connection or the guest itself ended before its answer was whole. */
  | 'guest-ended'
  /** What the guest sent is no answer that can be passed on. */
  | 'bad-answer'
  | 'total-limit'
  | 'visitor-too-slow'
  /** The visitor left, or a drain had no more time. */
  | 'visitor-left'
  /** Upgraded alone. */
  | 'idle';

export interface Counted {
  /** Bytes of bodies: from the visitor, from the guest. */
  readonly bytesUp: number;
  readonly bytesDown: number;
}

export type Outcome = Counted &
  (
    | { readonly kind: 'answered'; readonly status: number }
    | { readonly kind: 'upgraded'; readonly protocol: string; readonly fault?: Fault | undefined }
    | {
        readonly kind: 'failed';
        readonly fault: Fault;
        /** Whether any byte went to the guest: after that there is no second try. */
        readonly sent: boolean;
        /** Whether the visitor has a head already: if so its answer was broken off, else it waits for one of ours. */
        readonly answered: boolean;
        /** For the log alone. */
        readonly cause: string;
      }
  );

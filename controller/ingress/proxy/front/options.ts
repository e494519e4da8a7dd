import type { SecureContext } from 'node:tls';

import type { Clock } from '#controller/kube/clock.ts';
import type { KubeLogger } from '#controller/kube/logger.ts';
import type { Exchange } from '../exchange.ts';
import type { Head, HeadPolicy } from '../head/types.ts';
import type { Budget } from '../read-ahead.ts';
import type { Rush } from '../rush.ts';

export interface FrontLimits {
  /** A request's head, from the connection or the request before it. */
  readonly headMs: number;
  readonly handshakeMs: number;
  /** HTTP/2's preface and first SETTINGS. */
  readonly prefaceMs: number;
  readonly keepAliveMs: number;
  /** How often Node looks for heads that are late. */
  readonly checkMs: number;
  readonly backlog: number;
  /** Requests of one HTTP/1 connection that wait for the one under way. */
  readonly pipelined: number;
  readonly streams: number;
  /** HTTP/2 streams that a visitor may cancel within cancelWindowMs; one more closes its connection. */
  readonly cancels: number;
  readonly cancelWindowMs: number;
  /** Of one request's body, before something takes it. */
  readonly readAheadBytes: number;
  /** So much of a refused body is read and thrown away. */
  readonly drainBytes: number;
  /** Its connection is kept for so long, that the refusal is heard. */
  readonly drainMs: number;
}

export const FRONT_LIMITS: FrontLimits = {
  headMs: 10_000,
  handshakeMs: 10_000,
  prefaceMs: 10_000,
  keepAliveMs: 75_000,
  checkMs: 500,
  backlog: 4_096,
  pipelined: 4,
  streams: 32,
  cancels: 20,
  cancelWindowMs: 10_000,
  readAheadBytes: 256 * 1024,
  drainBytes: 1024 * 1024,
  drainMs: 2_000,
};

/** Of all bodies that wait in one process. */
export const BODY_BUDGET_BYTES = 64 * 1024 * 1024;

export interface Listen {
  /** All addresses of the machine where undefined. */
  readonly host: string | undefined;
  /** Any free one where 0. */
  readonly port: number;
}

export interface TlsOptions {
  readonly listen: Listen;
  /** The certificate of a name; undefined fails the handshake, so that no host gets another's. */
  readonly contextFor: (servername: string) => SecureContext | undefined;
  /** For visitors without SNI; undefined where there is none. PEM. */
  readonly defaultCertificate?: { readonly cert: string; readonly key: string } | undefined;
  /** Whether a connection made for a name (none without SNI) may carry requests for a host, of the same certificate. */
  readonly mayServe: (servername: string | undefined, host: string) => boolean;
}

export interface FrontOptions {
  readonly http: Listen;
  readonly https?: TlsOptions | undefined;
  readonly policy: HeadPolicy;
  readonly limits: FrontLimits;
  readonly budget: Budget;
  readonly rush: Rush;
  readonly clock: Clock;
  readonly logger: KubeLogger;
  /** Of the protocols that a request would switch to, those that it may; told at once, by the head alone. */
  readonly upgradesFor: (head: Head) => readonly string[];
  /** Answers a request. What it rejects with is logged, and answered with 500. */
  readonly handle: (exchange: Exchange) => Promise<void>;
}

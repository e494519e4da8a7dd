import type { ObjectRef } from './types.ts';

/**
 * Why a call failed, for code to switch on. Answers of the server:
 * - not-found 404; conflict 409 (resourceVersion or precondition); already-exists 409 on create; gone 410 (also in-stream);
 *   bad-request 400, 405, 406, 415; unauthorized 401; forbidden 403; too-large 413; invalid 422; too-many-requests 429;
 *   server-timeout 504 or reason Timeout/ServerTimeout; unavailable 502, 503; internal: other 5xx.
 *
 * Without a usable answer:
 * - transport: no connection, reset, TLS; timeout: our own deadline; aborted: the caller's signal; malformed: not the
 *   JSON that was expected; overloaded: too many calls pending here, nothing sent; not-leading: no Lease, nothing sent;
 *   credentials: none could be had (a file or helper program failed), nothing sent.
 */
export type KubeErrorKind =
  | 'not-found'
  | 'conflict'
  | 'already-exists'
  | 'gone'
  | 'bad-request'
  | 'unauthorized'
  | 'forbidden'
  | 'too-large'
  | 'invalid'
  | 'too-many-requests'
  | 'server-timeout'
  | 'unavailable'
  | 'internal'
  | 'transport'
  | 'timeout'
  | 'aborted'
  | 'malformed'
  | 'overloaded'
  | 'not-leading'
  | 'credentials';

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'replace' | 'patch' | 'patch-status' | 'delete' | 'request';

/** What a call was about: object's kind and name (absent for lists and generated names), and the server. */
export interface CallSubject {
  readonly verb: Verb;
  readonly kind: string;
  readonly ref: Partial<ObjectRef>;
  readonly host: string;
}

export interface KubeErrorDetails extends CallSubject {
  readonly error: KubeErrorKind;
  readonly message: string;
  readonly status?: number | undefined;
  readonly reason?: string | undefined;
  readonly retryAfterSeconds?: number | undefined;
  readonly fieldErrors?: readonly FieldError[];
  /** False where nothing reached the server. Default true. */
  readonly sent?: boolean | undefined;
  readonly cause?: unknown;
}

/** One entry of a Status' details.causes: which field, and what is wrong with it. */
export interface FieldError {
  readonly field: string;
  readonly reason: string;
  readonly message: string;
}

/** A failed call. `message` names verb, object, host and cause; it holds no credentials. */
export class KubeError extends Error {
  override readonly name = 'KubeError';
  readonly kind: KubeErrorKind;
  readonly verb: Verb;
  readonly object: {
    readonly kind: string;
    readonly namespace?: string | undefined;
    readonly name?: string | undefined;
  };
  readonly host: string;
  /** HTTP status, where there was an answer. */
  readonly status: number | undefined;
  /** The Status' reason (metav1.StatusReason), where there was one. */
  readonly reason: string | undefined;
  /** The server's own sentence, or the transport's. */
  readonly serverMessage: string;
  readonly retryAfterSeconds: number | undefined;
  readonly fieldErrors: readonly FieldError[];
  /** Whether a write that failed so may still have been done by the server: read again before deciding. */
  readonly mayHaveRun: boolean;

  constructor(details: KubeErrorDetails) {
    super(describe(details), details.cause === undefined ? undefined : { cause: details.cause });
    this.kind = details.error;
    this.verb = details.verb;
    this.object = { kind: details.kind, ...details.ref };
    this.host = details.host;
    this.status = details.status;
    this.reason = details.reason;
    this.serverMessage = details.message;
    this.retryAfterSeconds = details.retryAfterSeconds;
    this.fieldErrors = details.fieldErrors ?? [];
    this.mayHaveRun = !READS.has(details.verb) && details.sent !== false && AMBIGUOUS.has(details.error);
  }
}

const READS: ReadonlySet<Verb> = new Set<Verb>(['get', 'list', 'watch', 'request']);

const AMBIGUOUS: ReadonlySet<KubeErrorKind> = new Set<KubeErrorKind>([
  'transport',
  'timeout',
  'aborted',
  'malformed',
  'server-timeout',
  'unavailable',
  'internal',
]);

/** Whether `error` is a KubeError of one of these kinds. */
export function isKubeError(error: unknown, ...kinds: readonly KubeErrorKind[]): error is KubeError {
  return error instanceof KubeError && (kinds.length === 0 || kinds.includes(error.kind));
}

function describe(details: KubeErrorDetails): string {
  const { namespace, name } = details.ref;
  const object = [namespace, name].filter((part) => part !== undefined && part !== '').join('/');
  const status = details.status === undefined ? '' : ` ${details.status}`;
  const what = object === '' ? details.kind : `${details.kind} ${object}`;
  return `${details.verb} ${what} at ${details.host}: ${details.error}${status}: ${details.message}`;
}

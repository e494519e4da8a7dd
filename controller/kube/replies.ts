import type { IncomingHttpHeaders } from 'node:http';
import { KubeError } from './errors.ts';
import type { CallSubject, FieldError, KubeErrorKind } from './errors.ts';
import { WireError } from './exchange.ts';
import { BadName } from './paths.ts';
import type { Status } from './rest-client.ts';

/** JSON of an answer that should be an object. Throws KubeError 'malformed'. */
export function parseObject(subject: CallSubject, body: Buffer): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(body.toString());
  } catch {
    // JSON.parse quotes what it cannot read, which may be a Secret's: its words are left out.
    throw new KubeError({ ...subject, error: 'malformed', message: 'the answer is not JSON' });
  }
  if (!isRecord(value)) throw new KubeError({ ...subject, error: 'malformed', message: 'the answer is no object' });
  return value;
}

/** The error that an HTTP answer of 300 and more means. */
export function errorOfReply(
  subject: CallSubject,
  reply: { readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: Buffer },
): KubeError {
  const status = statusOfBody(reply.body) ?? { message: reply.body.toString('utf8', 0, 300).trim() };
  const header = Number(reply.headers['retry-after']);
  return errorOfStatus(subject, status, reply.status, Number.isFinite(header) ? header : undefined);
}

/** The error that a Status means, in-stream (its own code counts) or as an HTTP answer's body. */
export function errorOfStatus(subject: CallSubject, status: Status, http?: number, retryAfter?: number): KubeError {
  const code = http ?? status.code;
  return new KubeError({
    ...subject,
    error: kindOf(code, status.reason),
    message: status.message ?? 'the server gave no message',
    status: code,
    reason: status.reason,
    retryAfterSeconds: retryAfter ?? status.details?.retryAfterSeconds,
    fieldErrors: (status.details?.causes ?? []).map((cause): FieldError => ({
      field: cause.field ?? '',
      reason: cause.reason ?? '',
      message: cause.message ?? '',
    })),
  });
}

/** What went wrong below HTTP, as a KubeError. Anything unknown is a fault of this program and passes through. */
export function errorOfWire(subject: CallSubject, error: unknown): unknown {
  if (error instanceof WireError) {
    return new KubeError({
      ...subject,
      error: error.kind,
      message: error.message,
      sent: error.sent,
      cause: error.cause,
    });
  }
  if (error instanceof BadName) {
    return new KubeError({ ...subject, error: 'bad-request', message: error.message, sent: false });
  }
  return error;
}

/** metav1.StatusReason first, since 409 means two things and 500 several; the HTTP status otherwise. */
function kindOf(code: number | undefined, reason: string | undefined): KubeErrorKind {
  const byReason = reason === undefined ? undefined : KIND_OF_REASON.get(reason);
  return byReason ?? KIND_OF_CODE.get(code ?? 500) ?? ((code ?? 500) >= 500 ? 'internal' : 'bad-request');
}

const KIND_OF_REASON: ReadonlyMap<string, KubeErrorKind> = new Map<string, KubeErrorKind>([
  ['AlreadyExists', 'already-exists'],
  ['Expired', 'gone'],
  ['Gone', 'gone'],
  ['Timeout', 'server-timeout'],
  ['ServerTimeout', 'server-timeout'],
]);

const KIND_OF_CODE: ReadonlyMap<number, KubeErrorKind> = new Map<number, KubeErrorKind>([
  [401, 'unauthorized'],
  [403, 'forbidden'],
  [404, 'not-found'],
  [409, 'conflict'],
  [410, 'gone'],
  [413, 'too-large'],
  [422, 'invalid'],
  [429, 'too-many-requests'],
  [502, 'unavailable'],
  [503, 'unavailable'],
  [504, 'server-timeout'],
]);

function statusOfBody(body: Buffer): Status | undefined {
  try {
    const value: unknown = JSON.parse(body.toString());
    return isRecord(value) && value['kind'] === 'Status' ? value : undefined;
  } catch {
    // A proxy's page, not the API server's answer: the caller shows its text.
    return undefined;
  }
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

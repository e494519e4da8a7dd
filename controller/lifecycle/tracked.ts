import type { ExitReport } from '#controller/notify/index.ts';
import type { Asked } from './decide.ts';
import type { Session } from './session.ts';
import type { End, Found, StartAnswer } from './trace.ts';
import type { Values } from './values.ts';

/** Whose domain it is, as its metadata or its binding says. */
export interface Owner {
  /** Of the resource: namespace/name. */
  readonly key: string;
  readonly uid: string;
  readonly attempt: number;
  readonly address: string | undefined;
}

/** What this process asked of the host for a domain, with what it takes to tell whether that can still be under way. */
type Request =
  | { readonly kind: 'not-by-us' }
  | { readonly kind: 'not-yet' }
  | { readonly kind: 'in-doubt'; readonly since: number; readonly generation: number; readonly timedOut: boolean }
  | Extract<Asked, { kind: 'refused' | 'name-held' | 'ran' }>;

/** One domain of a host as this process knows it: bound to it, or listed by it, or both. */
export interface Tracked {
  readonly uuid: string;
  /** Absent: not ours, or nobody asked yet. */
  owner: Owner | undefined;
  /** Absent: nobody looked on this session. */
  found: Found | undefined;
  request: Request;
  /** Values of its parameters, once they were read for this attempt; until it is asked for. */
  values: Values | undefined;
  /** Wall clock ms. */
  requestedAt: number | undefined;
  startedAt: number | undefined;
  stoppedAt: number | undefined;
  /** Wall clock ms at which its guest said that it is ready, or a probe found so, or who serves its request told so. */
  readyAt: number | undefined;
  /** Wall clock ms at which the answer to its request began, as who serves that told. */
  respondedAt: number | undefined;
  /** What its guest said of how its work ended; the first word counts. */
  exit: ExitReport | undefined;
  /** The token that its guest was told, if it was told one. 'unread': it stands in the domain's metadata on the host. */
  token: 'unread' | { readonly given: string | undefined };
  /** Grows with everything that is heard of it: a look that something crossed is void. */
  heard: number;
  /** Monotonic ms of the last sign of life. */
  quietSince: number;
  /** Whether a probe has found its process since it was started, or since the connection was made. */
  probed: boolean;
  /** Monotonic ms of a probe that said its process is gone, with no sign of life since. */
  missedAt: number | undefined;
  /** On this session it was asked to shut down, whatever the host said to that. */
  shutdownAsked: boolean;
  /** resourceVersion that came from the API server itself: our own write's answer, or a live GET. */
  confirmed: string | undefined;
  /** A watch told that its resource was deleted. */
  deletionSeen: boolean;
}

/** So long after a connection's end nothing that was sent on it can still be acted on. Measured: a create takes about 1 s. */
export const SETTLE_MS = 5_000;
/** A host that has not answered a create for so long, on a connection that stands, does not answer it any more. */
export const HUNG_MS = 120_000;

export function track(uuid: string, owner: Owner | undefined, now: number): Tracked {
  return {
    uuid,
    owner,
    found: undefined,
    request: { kind: 'not-by-us' },
    values: undefined,
    requestedAt: undefined,
    startedAt: undefined,
    stoppedAt: undefined,
    readyAt: undefined,
    respondedAt: undefined,
    exit: undefined,
    token: 'unread',
    heard: 0,
    quietSince: now,
    probed: false,
    missedAt: undefined,
    shutdownAsked: false,
    confirmed: undefined,
    deletionSeen: false,
  };
}

/** What was asked of the host, as decide() wants to know it; without a session what may be under way is not settled. */
export function askedOf(tracked: Tracked, session: Session | undefined, now: number, settleMs: number): Asked {
  const { request } = tracked;
  if (session === undefined) return request.kind === 'not-yet' ? request : { kind: 'not-by-us', settled: false };
  switch (request.kind) {
    case 'not-by-us':
      return { kind: 'not-by-us', settled: now - session.since >= settleMs };
    case 'in-doubt':
      return { kind: 'in-doubt', state: doubtState(request, session, now, settleMs) };
    case 'not-yet':
    case 'refused':
    case 'name-held':
    case 'ran':
      return request;
  }
}

function doubtState(
  request: Extract<Request, { kind: 'in-doubt' }>,
  session: Session,
  now: number,
  settleMs: number,
): 'pending' | 'settled' | 'hung' {
  const waited = now - request.since;
  if (request.timedOut && request.generation === session.generation) return waited >= HUNG_MS ? 'hung' : 'pending';
  return waited >= settleMs && now - session.since >= settleMs ? 'settled' : 'pending';
}

/** Whether its host was asked for it, and has not refused: what is told of it may be so. */
export function mayRun({ request }: Tracked): boolean {
  return request.kind !== 'not-yet' && request.kind !== 'refused' && request.kind !== 'name-held';
}

/** A look, or an event, showed the domain so. */
export function see(tracked: Tracked, found: Found, wall: number): void {
  tracked.found = found;
  if (found.kind !== 'active' && found.kind !== 'ended') return;
  tracked.request = { kind: 'ran' };
  tracked.startedAt ??= wall;
  if (found.kind === 'ended') tracked.stoppedAt ??= wall;
}

/** The host has said no for certain: the same attempt may be bound anew, and asked for as if for the first time. */
export function noteNeverRan(tracked: Tracked): void {
  tracked.request = { kind: 'not-yet' };
  tracked.found = { kind: 'absent' };
  tracked.requestedAt = undefined;
  tracked.token = 'unread';
  // Whoever has the name has the address too, and may have spoken in its place.
  tracked.readyAt = undefined;
  tracked.respondedAt = undefined;
  tracked.exit = undefined;
}

/** This process has stored the binding itself. `isNew`: neither the host nor a watch had told of the attempt before. */
export function noteBoundByUs(tracked: Tracked, isNew: boolean, values: Values, version: string): void {
  if (isNew && tracked.request.kind === 'not-by-us') tracked.request = { kind: 'not-yet' };
  tracked.values = values;
  tracked.confirmed = version;
}

/** Event STARTED. */
export function hearStarted(tracked: Tracked, id: number, now: number, wall: number): void {
  tracked.heard += 1;
  tracked.quietSince = now;
  tracked.probed = false;
  tracked.missedAt = undefined;
  if (tracked.found?.kind !== 'ended') see(tracked, { kind: 'active', id }, wall);
}

/** Event STOPPED, or REBOOT; `end` undefined: the event does not tell, so look. The first end that is told counts. */
export function hearEnded(tracked: Tracked, end: End | undefined, wall: number): void {
  tracked.heard += 1;
  if (tracked.found?.kind === 'ended') return;
  if (end === undefined) tracked.found = undefined;
  else see(tracked, { kind: 'ended', end }, wall);
}

/** Event UNDEFINED: it is gone. An end that is known and perhaps not stored yet is kept. */
export function hearGone(tracked: Tracked): void {
  tracked.heard += 1;
  if (tracked.found?.kind !== 'ended') tracked.found = { kind: 'absent' };
}

/** The session is over: what was seen on it counts no more, but for an end, which stays one. */
export function forgetSession(tracked: Tracked): void {
  tracked.heard += 1;
  tracked.probed = false;
  tracked.missedAt = undefined;
  tracked.shutdownAsked = false;
  if (tracked.found?.kind !== 'ended') tracked.found = undefined;
}

/** A request to start is about to be sent. */
export function ask(tracked: Tracked, session: Session, now: number, wall: number): void {
  tracked.request = { kind: 'in-doubt', since: now, generation: session.generation, timedOut: false };
  tracked.requestedAt = wall;
  tracked.found = undefined;
}

/** The answer to that request. `before`: what was known of earlier requests. */
export function hearAnswer(tracked: Tracked, answer: StartAnswer, before: Request, now: number, wall: number): void {
  // An event may have told more already: it usually comes before the reply.
  if (tracked.request.kind === 'ran') return;
  switch (answer.kind) {
    case 'started':
      tracked.quietSince = now;
      see(tracked, { kind: 'active', id: answer.id }, wall);
      return;
    case 'refused':
      tracked.request = { kind: 'refused', why: answer.why, first: before.kind === 'not-yet' };
      return;
    case 'name-held':
      tracked.request = { kind: 'name-held', by: answer.by };
      return;
    case 'not-sent':
      tracked.request = before;
      return;
    case 'in-doubt':
    case 'exists':
      if (tracked.request.kind !== 'in-doubt') return;
      tracked.request = { ...tracked.request, timedOut: answer.kind === 'in-doubt' && answer.timedOut };
      return;
  }
}

import type { Clock, KubeLogger } from '#controller/kube/index.ts';
import type { Tracer } from '#controller/observe/index.ts';
import type { AdmissionQueue, Slot } from '../admission/index.ts';
import type { Departures } from '../departures/index.ts';
import { awaitBeginning, BEGINNING, failurePage, serverTiming } from '../proxy/index.ts';
import type { Budget, Exchange, Rush } from '../proxy/index.ts';
import type { Backend, Match, Routes } from '../routes/index.ts';
import type { Spawner } from '../spawn/index.ts';
import type { TimelineSender } from '../timeline/index.ts';
import { mayComeAgain, refusalTold } from './failures.ts';
import type { Told } from './failures.ts';
import { hatch } from './hatch.ts';
import type { Recorder } from './record.ts';
import { secureLocation } from './redirect.ts';
import { returnSlot } from './slot.ts';
import { beginVisit, noteLeaving, phaseOf, spansOf } from './visit.ts';
import type { Visit } from './visit.ts';
import { traceVisit } from './visit-trace.ts';

/** All that serves a request. */
export interface HandlerParts {
  readonly routes: Pick<Routes, 'current'>;
  readonly queue: AdmissionQueue;
  readonly spawner: Pick<Spawner, 'start'>;
  readonly recorder: Recorder;
  readonly tracer: Tracer;
  readonly timeline: Pick<TimelineSender, 'tell'>;
  readonly departures: Pick<Departures, 'departed'>;
  readonly answerBudget: Budget;
  readonly rush: Pick<Rush, 'over'>;
  /** Where TLS is served; undefined: nowhere. */
  readonly httpsPort: () => number | undefined;
  readonly clock: Clock;
  readonly logger: KubeLogger;
  /** Work that goes on after a request's answer: a drain waits for it. */
  readonly afterwards: (work: Promise<void>) => void;
}

/** Serves requests: route, admission, a domain of its own, its answer, the record. */
export const createHandler =
  (parts: HandlerParts) =>
  async (exchange: Exchange): Promise<void> => {
    const visit = beginVisit(exchange);
    try {
      const { head } = exchange;
      const { table } = parts.routes.current();
      const target = { host: head.authority, path: head.path, tls: head.scheme === 'https' };
      await serveMatch(parts, visit, table.match(target));
    } catch (error) {
      visit.failure = { phase: phaseOf(visit), reason: 'InternalError' };
      visit.status ??= 500;
      throw error;
    } finally {
      noteLeaving(visit);
      parts.recorder.record(visit, parts.clock.now());
      traceVisit(parts.tracer, visit, parts.clock.now(), parts.clock.date().getTime());
    }
  };

const serveMatch = async (parts: HandlerParts, visit: Visit, match: Match): Promise<void> => {
  switch (match.kind) {
    case 'none':
      return fail(parts, visit, { status: 404, phase: 'route', reason: 'NoRoute', why: 'Nothing is served here.' });
    case 'unserved':
      return fail(parts, visit, {
        ...{ status: 503, phase: 'route', reason: match.reason },
        why: 'What serves this page is missing: the events of its Ingress say more.',
      });
    case 'redirect':
      return redirect(parts, visit, match.status);
    case 'backend':
      visit.backend = match.backend;
      return serveBackend(parts, visit, match.backend);
  }
};

const redirect = async ({ httpsPort }: HandlerParts, visit: Visit, status: number): Promise<void> => {
  const { head, answer } = visit.exchange;
  visit.status = status;
  await answer.whole({ status, headers: ['Location', secureLocation(head, httpsPort())], body: '' });
};

const serveBackend = async (parts: HandlerParts, visit: Visit, backend: Backend): Promise<void> => {
  const { exchange } = visit;
  const { http, namespace, template, limits } = backend;
  if (http.ignore.has(exchange.head.path)) {
    return fail(parts, visit, {
      status: 404,
      phase: 'route',
      reason: 'Ignored',
      why: 'No domain is started for this.',
    });
  }
  const applicant = { namespace, template, client: exchange.head.client, limits };
  // At once, whatever of the request is still to come: of a crowd most are told nothing else.
  const refusal = parts.queue.refusal(applicant);
  if (refusal !== undefined) {
    visit.askedAt = parts.clock.now();
    return fail(parts, visit, refusalTold(refusal.reason), refusal.retryAfterSeconds);
  }
  const body = await awaitBeginning(exchange, BEGINNING, parts.clock);
  if (body === 'late') {
    const why = 'The beginning of the request took too long.';
    return fail(parts, visit, { status: 408, phase: 'request', reason: 'BodyTooSlow', why });
  }
  if (body === 'left') return undefined;
  visit.askedAt = parts.clock.now();
  const admission = await parts.queue.admit(applicant, exchange.signal);
  switch (admission.kind) {
    case 'left':
      return undefined;
    case 'refused':
      return fail(parts, visit, refusalTold(admission.reason), admission.retryAfterSeconds);
    case 'admitted':
      await parts.rush.over();
      visit.admittedAt = parts.clock.now();
      return withSlot(parts, visit, backend, admission.slot);
  }
};

const withSlot = async (parts: HandlerParts, visit: Visit, backend: Backend, slot: Slot): Promise<void> => {
  let told: Told | undefined;
  try {
    told = await hatch(parts, visit, backend);
  } finally {
    // A slot is a domain's: it is free when the domain is known to be gone, not when its visitor is.
    if (visit.spawned === undefined) slot.release();
    else void returnSlot(slot, visit.spawned, parts.departures);
  }
  if (told === undefined) return undefined;
  const { namespace, template } = backend;
  return fail(parts, visit, told, mayComeAgain(told) ? parts.queue.retryAfter(namespace, template) : undefined);
};

/** Answers with a page that says what failed. */
const fail = async (parts: HandlerParts, visit: Visit, told: Told, retryAfterSeconds?: number): Promise<void> => {
  const { exchange, spawned } = visit;
  const { head, answer } = exchange;
  visit.failure = { phase: told.phase, reason: told.reason };
  visit.status = told.status;
  const domain = spawned === undefined ? undefined : { namespace: spawned.namespace, name: spawned.name };
  const page = failurePage({ ...told, domain, traceId: head.trace.traceId, retryAfterSeconds }, head.accept);
  const headers = [...page.headers, ...ownHeaders(visit, parts.clock.now())];
  await answer.whole({ ...page, headers });
};

/** What the ingress adds to every answer about a domain. */
export const ownHeaders = (visit: Visit, now: number): readonly string[] => {
  const { spawned } = visit;
  const timing = serverTiming(spansOf(visit, now));
  return [
    ...(spawned === undefined ? [] : ['X-Hatchery-Domain', `${spawned.namespace}/${spawned.name}`]),
    ...(timing === undefined ? [] : ['Server-Timing', timing]),
  ];
};

import { NO_TRACER } from '#controller/observe/tracing.ts';
import type { SpanRecord, Tracer } from '#controller/observe/tracing.ts';
import { spansOf } from './visit.ts';
import type { Visit } from './visit.ts';

/** What of a request's parts is a call to others: the create at the API server, and the guest's answer. */
const CALLS: ReadonlySet<string> = new Set(['api', 'guest']);

/** Tells of a request that is over: one span, whose ids its guest and its EphemeralDomain know, and its parts below it. */
export const traceVisit = (tracer: Tracer, visit: Visit, now: number, wall: number): void => {
  if (tracer === NO_TRACER) return;
  const { exchange, failure, status } = visit;
  const { trace } = exchange.head;
  const { traceId, spanId, sampled, parent } = trace;
  const offset = wall - now;
  const start = exchange.receivedMs + offset;
  const isOurFault = status !== undefined && status >= 500;
  const own = tracer.record({
    ...{ name: nameOf(visit), kind: 'server', own: { traceId, spanId }, start, end: wall },
    ...(parent?.trusted === true ? { parent: { ...parent, sampled } } : { link: parent }),
    attributes: attributesOf(visit),
    failure: isOurFault ? (failure?.reason ?? String(status)) : undefined,
  });
  if (own === undefined) return;
  let from = start;
  for (const { name, ms } of spansOf(visit, now)) {
    const kind = CALLS.has(name) ? 'client' : 'internal';
    tracer.record({ name, kind, parent: own, start: from, end: from + ms, attributes: {} });
    from += ms;
  }
};

/** Of few kinds, whatever visitors ask. */
const nameOf = ({ exchange, backend }: Visit): string => {
  const { method } = exchange.head;
  return backend === undefined ? method : `${method} ${backend.namespace}/${backend.template}`;
};

const attributesOf = ({ exchange, backend, spawned, failure, status, tries }: Visit): SpanRecord['attributes'] => {
  const { head } = exchange;
  return {
    'http.request.method': head.method,
    'http.response.status_code': status,
    'url.scheme': head.scheme,
    'url.path': head.path,
    'server.address': head.host,
    'client.address': head.client,
    'network.protocol.version': head.version,
    'k8s.namespace.name': backend?.namespace,
    'hatchery.template': backend?.template,
    'hatchery.domain': spawned?.name,
    'hatchery.tries': tries,
    'error.type': failure?.reason,
    'hatchery.failed.phase': failure?.phase,
  };
};

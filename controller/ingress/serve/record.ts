import { Counter, Gauge, Histogram } from 'prom-client';
import type { Registry } from 'prom-client';

import type { KubeLogger } from '#controller/kube/index.ts';
import type { AdmissionQueue } from '../admission/index.ts';
import type { Head, Rush, Span } from '../proxy/index.ts';
import { spansOf } from './visit.ts';
import type { Visit } from './visit.ts';

/** Tells of each request once it is over, and soon: a line in the log, and metrics. Those who wait for an answer come first. */
export interface Recorder {
  record(visit: Visit, now: number): void;
}

export interface RecorderParts {
  readonly logger: KubeLogger;
  readonly registry: Registry;
  readonly queue: Pick<AdmissionQueue, 'load'>;
  readonly rush: Rush;
}

/** What a visitor's leaving is called where an answer's status would stand; nginx' word. */
const LEFT = 499;
const SECONDS = [0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1, 2, 3, 5, 10, 30, 60];

/** No label is a host, a path or a client: their number has no bound. */
export const createRecorder = ({ logger, registry, queue, rush }: RecorderParts): Recorder => {
  const requests = new Counter({
    name: 'hatchery_ingress_requests_total',
    help: 'Requests that are over, by status (499: the visitor left) and reason of failure',
    labelNames: ['code', 'reason'],
    registers: [registry],
  });
  const seconds = new Histogram({
    name: 'hatchery_ingress_request_duration_seconds',
    help: 'From the head of a request to the end of its answer',
    labelNames: ['code'],
    buckets: SECONDS,
    registers: [registry],
  });
  const phases = new Histogram({
    name: 'hatchery_ingress_phase_duration_seconds',
    help: 'Where the time of requests with a domain went, as Server-Timing says it',
    labelNames: ['phase'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, ...SECONDS],
    registers: [registry],
  });
  gauge(registry, 'hatchery_ingress_slots_held', 'Slots that are taken, each for one domain', () => queue.load.held);
  gauge(registry, 'hatchery_ingress_requests_waiting', 'Requests that wait for a slot', () => queue.load.waiting);
  const tell = ({ head, tls, status, ms, spans, backend, failure, name, tries }: Over): void => {
    const code = String(status);
    requests.inc({ code, reason: failure?.reason ?? '' });
    seconds.observe({ code }, ms / 1_000);
    if (name !== undefined) for (const span of spans) phases.observe({ phase: span.name }, span.ms / 1_000);
    logger.info('A request is over', {
      ...{ status, method: head.method, host: head.host, path: head.path, client: head.client },
      ...{ protocol: head.version, tls, durationMs: rounded(ms) },
      ...(backend === undefined ? {} : { namespace: backend.namespace, template: backend.template }),
      ...(name === undefined ? {} : { name, tries }),
      ...(failure === undefined ? {} : { phase: failure.phase, reason: failure.reason }),
      phases: Object.fromEntries(spans.map((span) => [span.name, rounded(span.ms)])),
      traceId: head.trace.traceId,
    });
  };
  return {
    record: (visit, now) => {
      const over = overOf(visit, now);
      rush.answered(() => tell(over));
    },
  };
};

/** What is told of a visit: its connection is let go while a crowd is waited for. */
interface Over {
  readonly head: Head;
  readonly tls: boolean;
  readonly status: number;
  readonly backend: Visit['backend'];
  readonly failure: Visit['failure'];
  /** Of its domain, where it had one. */
  readonly name: string | undefined;
  readonly tries: number;
  readonly ms: number;
  readonly spans: readonly Span[];
}

const overOf = (visit: Visit, now: number): Over => {
  const { exchange, backend, spawned, failure, tries, status = LEFT } = visit;
  const { head, connection, receivedMs } = exchange;
  return {
    ...{ head, tls: connection.tls, status, backend, failure, name: spawned?.name, tries },
    ...{ ms: now - receivedMs, spans: spansOf(visit, now) },
  };
};

const gauge = (registry: Registry, name: string, help: string, read: () => number): void => {
  const metric: Gauge = new Gauge({ name, help, registers: [registry], collect: () => metric.set(read()) });
};

const rounded = (ms: number): number => Math.round(ms * 100) / 100;

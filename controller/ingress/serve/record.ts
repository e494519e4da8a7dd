import { Counter, Gauge, Histogram } from 'prom-client';
import type { Registry } from 'prom-client';

import type { Clock, KubeLogger } from '#controller/kube/index.ts';
import type { AdmissionQueue } from '../admission/index.ts';
import { spansOf } from './visit.ts';
import type { Visit } from './visit.ts';

/** Tells of each request once it is over, and soon: a line in the log, and metrics. Those who wait for an answer come first. */
export interface Recorder {
  record(visit: Visit, now: number): void;
  /** Tells at once of those that wait to be told of. */
  close(): void;
}

export interface RecorderParts {
  readonly logger: KubeLogger;
  readonly registry: Registry;
  readonly queue: Pick<AdmissionQueue, 'load'>;
  readonly clock: Clock;
}

/** What a visitor's leaving is called where an answer's status would stand; nginx' word. */
const LEFT = 499;
const SECONDS = [0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1, 2, 3, 5, 10, 30, 60];

/** No label is a host, a path or a client: their number has no bound. */
export const createRecorder = ({ logger, registry, queue, clock }: RecorderParts): Recorder => {
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
  const record = (visit: Visit, now: number): void => {
    const { exchange, backend, spawned, failure, tries, status = LEFT } = visit;
    const { head, connection, receivedMs } = exchange;
    const code = String(status);
    const spans = spansOf(visit, now);
    requests.inc({ code, reason: failure?.reason ?? '' });
    seconds.observe({ code }, (now - receivedMs) / 1_000);
    if (spawned !== undefined) for (const { name, ms } of spans) phases.observe({ phase: name }, ms / 1_000);
    logger.info('A request is over', {
      ...{ status, method: head.method, host: head.host, path: head.path, client: head.client },
      ...{ protocol: head.version, tls: connection.tls, durationMs: rounded(now - receivedMs) },
      ...(backend === undefined ? {} : { namespace: backend.namespace, template: backend.template }),
      ...(spawned === undefined ? {} : { name: spawned.name, tries }),
      ...(failure === undefined ? {} : { phase: failure.phase, reason: failure.reason }),
      phases: Object.fromEntries(spans.map(({ name, ms }) => [name, rounded(ms)])),
      traceId: head.trace.traceId,
    });
  };
  return inTurns(record, clock);
};

const TURN_MS = 10;
/** Requests recorded in one turn. */
const LEAST_A_TURN = 32;
/** So many that were answered since the last turn are a crowd. */
const CROWD = 16;
/** More than these do not wait: what is left over is recorded in the same turn. */
const MOST_WAITING = 1_024;

/**
 * A line costs a good part of what a refusal does. So a crowd is answered first, and its lines are written from the first
 * turn on in which it is over: within a second, since so many do not wait.
 */
const inTurns = (write: Recorder['record'], clock: Clock): Recorder => {
  let waiting: { readonly visit: Visit; readonly now: number }[] = [];
  let came = 0;
  const tell = (over: typeof waiting): void => {
    for (const { visit, now } of over) write(visit, now);
  };
  const turn = (): void => {
    const count = Math.max(came >= CROWD ? 0 : LEAST_A_TURN, waiting.length - MOST_WAITING);
    came = 0;
    const due = waiting.slice(0, count);
    waiting = waiting.slice(count);
    if (waiting.length > 0) clock.after(TURN_MS, turn);
    tell(due);
  };
  return {
    record: (visit, now) => {
      came += 1;
      if (waiting.push({ visit, now }) === 1) clock.after(TURN_MS, turn);
    },
    close: () => {
      const left = waiting;
      waiting = [];
      tell(left);
    },
  };
};

const gauge = (registry: Registry, name: string, help: string, read: () => number): void => {
  const metric: Gauge = new Gauge({ name, help, registers: [registry], collect: () => metric.set(read()) });
};

const rounded = (ms: number): number => Math.round(ms * 100) / 100;

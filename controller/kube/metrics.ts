import { Counter, Gauge, Histogram } from 'prom-client';
import type { Registry } from 'prom-client';

/** What a work queue has to tell at a scrape: seconds of all work under way, and of the longest. */
export interface QueueSnapshot {
  readonly unfinishedSeconds: number;
  readonly longestSeconds: number;
}

export interface QueueMetrics {
  depth(length: number): void;
  added(): void;
  retried(): void;
  /** Seconds from being added to being handed out. */
  waited(seconds: number): void;
  worked(seconds: number): void;
  /** The queue is no more: its gauges go, what was counted stays. */
  closed(): void;
}

export type ReconcileOutcome = 'success' | 'error' | 'requeue' | 'requeue_after';

/** Metrics of this folder under controller-runtime's and client-go's names. One for each Registry. */
export interface KubeMetrics {
  readonly registry: Registry;
  request(method: string, host: string, code: string, seconds: number): void;
  /** Once for each queue name; `snapshot` is called at each scrape. */
  queue(name: string, snapshot: () => QueueSnapshot): QueueMetrics;
  reconciled(controller: string, outcome: ReconcileOutcome, seconds: number): void;
  workers(controller: string, active: number, most: number): void;
  leading(name: string, held: boolean): void;
  eventDropped(reason: 'queue_full' | 'spam' | 'rejected'): void;
  reflectorFailed(kind: string, error: string): void;
  reflectorListed(kind: string): void;
}

/** controller-runtime's buckets (pkg/internal/controller/metrics, pkg/metrics/workqueue). */
const RECONCILE_BUCKETS = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.25, 1.5, 1.75, 2,
  2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 40, 50, 60,
];
const QUEUE_BUCKETS = Array.from({ length: 12 }, (_, i) => 1e-8 * 10 ** i);
const REQUEST_BUCKETS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60];

/** Registers the metrics with the caller's Registry; a second call for the same Registry would throw. */
export function createKubeMetrics(registry: Registry): KubeMetrics {
  const registers = [registry];
  const counter = (name: string, help: string, labelNames: string[]): Counter =>
    new Counter({ name, help, labelNames, registers });
  const gauge = (name: string, help: string, labelNames: string[]): Gauge =>
    new Gauge({ name, help, labelNames, registers });
  const histogram = (name: string, help: string, labelNames: string[], buckets: number[]): Histogram =>
    new Histogram({ name, help, labelNames, buckets, registers });

  const requests = counter('rest_client_requests_total', 'API calls by status code, method and host.', [
    'code',
    'method',
    'host',
  ]);
  const requestSeconds = histogram(
    'rest_client_request_duration_seconds',
    'Duration of API calls (of a watch: until its header).',
    ['verb', 'host'],
    REQUEST_BUCKETS,
  );
  const reconciles = counter('controller_runtime_reconcile_total', 'Reconciliations by result.', [
    'controller',
    'result',
  ]);
  const errors = counter('controller_runtime_reconcile_errors_total', 'Reconciliations that failed.', ['controller']);
  const seconds = histogram(
    'controller_runtime_reconcile_time_seconds',
    'Duration of a reconciliation.',
    ['controller'],
    RECONCILE_BUCKETS,
  );
  const most = gauge('controller_runtime_max_concurrent_reconciles', 'Workers of a controller.', ['controller']);
  const active = gauge('controller_runtime_active_workers', 'Workers at work.', ['controller']);
  const leader = gauge('leader_election_master_status', '1 if this process holds the lease.', ['name']);
  const dropped = counter('event_recorder_dropped_total', 'Events not sent, by why.', ['reason']);
  const failures = counter('reflector_failures_total', 'Failed lists and watches.', ['kind', 'error']);
  const lists = counter('reflector_lists_total', 'Whole lists read.', ['kind']);

  return {
    registry,
    request: (method, host, code, duration) => {
      requests.inc({ code, method, host });
      requestSeconds.observe({ verb: method, host }, duration);
    },
    queue: queueMetrics(registry),
    reconciled: (controller, result, duration) => {
      reconciles.inc({ controller, result });
      if (result === 'error') errors.inc({ controller });
      seconds.observe({ controller }, duration);
    },
    workers: (controller, now, all) => {
      active.set({ controller }, now);
      most.set({ controller }, all);
    },
    leading: (name, held) => leader.set({ name }, held ? 1 : 0),
    eventDropped: (reason) => dropped.inc({ reason }),
    reflectorFailed: (kind, error) => failures.inc({ kind, error }),
    reflectorListed: (kind) => lists.inc({ kind }),
  };
}

function queueMetrics(registry: Registry): KubeMetrics['queue'] {
  const registers = [registry];
  const labelNames = ['name', 'controller'];
  const snapshots = new Map<string, () => QueueSnapshot>();
  const scraped = (name: string, help: string, value: (snapshot: QueueSnapshot) => number): void => {
    const collect = function (this: Gauge): void {
      this.reset();
      for (const [queue, snapshot] of snapshots) this.set({ name: queue, controller: queue }, value(snapshot()));
    };
    registry.registerMetric(new Gauge({ name, help, labelNames, registers: [], collect }));
  };

  const depth = new Gauge({ name: 'workqueue_depth', help: 'Keys waiting.', labelNames, registers });
  const adds = new Counter({ name: 'workqueue_adds_total', help: 'Keys added.', labelNames, registers });
  const retries = new Counter({ name: 'workqueue_retries_total', help: 'Keys added again.', labelNames, registers });
  const queued = new Histogram({
    name: 'workqueue_queue_duration_seconds',
    help: 'How long a key waits before it is worked on.',
    labelNames,
    buckets: QUEUE_BUCKETS,
    registers,
  });
  const worked = new Histogram({
    name: 'workqueue_work_duration_seconds',
    help: 'How long a key is worked on.',
    labelNames,
    buckets: QUEUE_BUCKETS,
    registers,
  });
  scraped(
    'workqueue_unfinished_work_seconds',
    'Seconds of work under way, all keys together.',
    (s) => s.unfinishedSeconds,
  );
  scraped(
    'workqueue_longest_running_processor_seconds',
    'Seconds of the longest work under way.',
    (s) => s.longestSeconds,
  );

  return (name, snapshot) => {
    snapshots.set(name, snapshot);
    const labels = { name, controller: name };
    return {
      depth: (length) => depth.set(labels, length),
      added: () => adds.inc(labels),
      retried: () => retries.inc(labels),
      waited: (duration) => queued.observe(labels, duration),
      worked: (duration) => worked.observe(labels, duration),
      closed: () => {
        // Another queue of this name may have begun: its gauges stay.
        if (snapshots.get(name) !== snapshot) return;
        snapshots.delete(name);
        depth.remove(labels);
      },
    };
  };
}

import { systemClock } from './clock.ts';
import type { Clock } from './clock.ts';
import { KubeError } from './errors.ts';
import type { KubeLogger } from './logger.ts';
import type { KubeMetrics, ReconcileOutcome } from './metrics.ts';
import type { WorkQueue } from './work-queue.ts';

/** done: forget its back-off; retry: again by back-off; again-after: forget, and again after a delay. */
export type ReconcileResult =
  { readonly kind: 'done' } | { readonly kind: 'retry' } | { readonly kind: 'again-after'; readonly ms: number };

export interface WorkersOptions {
  /** Label `controller` of the metrics. */
  readonly controller: string;
  readonly queue: WorkQueue;
  readonly workers: number;
  /** What it throws is logged and counted, and the key retried by back-off (or a KubeError's retryAfterSeconds if later). */
  readonly reconcile: (key: string, signal: AbortSignal) => Promise<ReconcileResult>;
  readonly logger?: KubeLogger;
  readonly metrics?: KubeMetrics;
  readonly clock?: Clock;
}

/** Runs N workers until the signal aborts; then shuts the queue down and resolves when those under way have ended. */
export async function runWorkers(options: WorkersOptions, signal: AbortSignal): Promise<void> {
  const { queue, workers } = options;
  let active = 0;
  const worker = async (): Promise<void> => {
    for (let key = await queue.get(); key !== undefined; key = await queue.get()) {
      // What still waits at shutdown is left for the next process: its state is in the API server, not here.
      if (!signal.aborted) {
        options.metrics?.workers(options.controller, ++active, workers);
        await reconcileOnce(options, key, signal);
        options.metrics?.workers(options.controller, --active, workers);
      }
      queue.done(key);
    }
  };
  const onAbort = (): void => queue.shutDown();
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  options.metrics?.workers(options.controller, 0, workers);
  await Promise.all(Array.from({ length: workers }, worker));
  signal.removeEventListener('abort', onAbort);
}

async function reconcileOnce(options: WorkersOptions, key: string, signal: AbortSignal): Promise<void> {
  const { controller, queue, metrics } = options;
  const clock = options.clock ?? systemClock;
  const start = clock.now();
  const count = (outcome: ReconcileOutcome): void =>
    metrics?.reconciled(controller, outcome, (clock.now() - start) / 1000);
  try {
    const result = await options.reconcile(key, signal);
    switch (result.kind) {
      case 'done':
        queue.forget(key);
        count('success');
        return;
      case 'again-after':
        queue.forget(key);
        queue.addAfter(key, result.ms);
        count('requeue_after');
        return;
      case 'retry':
        queue.addRateLimited(key);
        count('requeue');
        return;
    }
  } catch (error) {
    count('error');
    const retryAfterMs = error instanceof KubeError ? (error.retryAfterSeconds ?? 0) * 1000 : 0;
    const text = error instanceof KubeError ? error.message : error instanceof Error ? error.stack : String(error);
    options.logger?.error('reconcile failed', { controller, key, error: text, retries: queue.retries(key) });
    if (retryAfterMs > 0) queue.addAfter(key, retryAfterMs);
    else queue.addRateLimited(key);
  }
}

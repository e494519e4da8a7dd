import assert from 'node:assert/strict';
import { Registry } from 'prom-client';
import { KubeError } from './errors.ts';
import { createKubeMetrics } from './metrics.ts';
import { FakeClock, settle } from './testing/fake-clock.ts';
import { createWorkQueue } from './work-queue.ts';
import { runWorkers } from './workers.ts';
import type { ReconcileResult } from './workers.ts';

function workbench(reconcile: (key: string) => Promise<ReconcileResult>, workers = 1) {
  const clock = new FakeClock();
  const registry = new Registry();
  const metrics = createKubeMetrics(registry);
  const queue = createWorkQueue({ name: 'things', clock, metrics });
  const stop = new AbortController();
  const ended = runWorkers({ controller: 'things', queue, workers, reconcile, clock, metrics }, stop.signal);
  const value = async (name: string, labels: Readonly<Record<string, string>>): Promise<number | undefined> => {
    const metric = await registry.getSingleMetric(name)?.get();
    const wanted = Object.entries(labels);
    return metric?.values.find((each) => wanted.every(([label, text]) => each.labels[label] === text))?.value;
  };
  return { clock, registry, queue, stop, ended, value };
}

describe('workers', () => {
  it('work on as many keys at once as there are of them', async () => {
    const gate = Promise.withResolvers<undefined>();
    let atWork = 0;
    const bench = workbench(async () => {
      atWork += 1;
      await gate.promise;
      return { kind: 'done' };
    }, 3);
    for (const key of ['a', 'b', 'c', 'd']) bench.queue.add(key);
    await settle();
    assert.equal(atWork, 3);
    assert.equal(await bench.value('controller_runtime_active_workers', { controller: 'things' }), 3);
    gate.resolve(undefined);
    await settle();
    assert.equal(atWork, 4);
    bench.stop.abort();
    await bench.ended;
  });

  it('treat each result as it says, and count it', async () => {
    const results: readonly ReconcileResult[] = [
      { kind: 'retry' },
      { kind: 'retry' },
      { kind: 'again-after', ms: 700 },
      { kind: 'done' },
    ];
    let turn = 0;
    const at: number[] = [];
    const bench = workbench(() => {
      at.push(bench.clock.now());
      return Promise.resolve(results[turn++] ?? { kind: 'done' });
    });
    bench.queue.add('a');
    await bench.clock.advance(10_000);
    assert.deepEqual(at, [0, 5, 15, 715]);
    assert.equal(bench.queue.retries('a'), 0);
    for (const [result, count] of [
      ['requeue', 2],
      ['requeue_after', 1],
      ['success', 1],
    ] as const) {
      assert.equal(await bench.value('controller_runtime_reconcile_total', { controller: 'things', result }), count);
    }
    bench.stop.abort();
    await bench.ended;
  });

  it('retry what throws by back-off, or when the server said', async () => {
    const busy = new KubeError({
      ...{ verb: 'patch', kind: 'Thing', ref: {}, host: 'h', message: 'busy' },
      ...{ error: 'too-many-requests', status: 429, retryAfterSeconds: 2 },
    });
    const errors: readonly Error[] = [new Error('boom'), busy];
    const at: number[] = [];
    const bench = workbench(() => {
      at.push(bench.clock.now());
      const error = errors[at.length - 1];
      return error === undefined ? Promise.resolve({ kind: 'done' }) : Promise.reject(error);
    });
    bench.queue.add('a');
    await bench.clock.advance(10_000);
    assert.deepEqual(at, [0, 5, 2005]);
    assert.equal(await bench.value('controller_runtime_reconcile_errors_total', { controller: 'things' }), 2);
    bench.stop.abort();
    await bench.ended;
  });

  it('end the work under way before they stop, and start no more', async () => {
    const gate = Promise.withResolvers<undefined>();
    const seen: string[] = [];
    const bench = workbench(async (key) => {
      seen.push(key);
      await gate.promise;
      return { kind: 'done' };
    });
    bench.queue.add('a');
    bench.queue.add('b');
    await settle();
    bench.stop.abort();
    gate.resolve(undefined);
    await bench.ended;
    assert.deepEqual(seen, ['a']);
  });
});

describe('metrics', () => {
  it("have controller-runtime's and client-go's names", async () => {
    const bench = workbench(() => Promise.resolve({ kind: 'done' }));
    bench.queue.add('a');
    await settle();
    const text = await bench.registry.metrics();
    for (const name of [
      'workqueue_depth{name="things",controller="things"} 0',
      'workqueue_adds_total{name="things",controller="things"} 1',
      'workqueue_queue_duration_seconds_count{name="things",controller="things"} 1',
      'workqueue_work_duration_seconds_count{name="things",controller="things"} 1',
      'workqueue_retries_total',
      'workqueue_unfinished_work_seconds{name="things",controller="things"} 0',
      'workqueue_longest_running_processor_seconds{name="things",controller="things"} 0',
      'controller_runtime_reconcile_total{controller="things",result="success"} 1',
      'controller_runtime_reconcile_errors_total',
      'controller_runtime_reconcile_time_seconds_count{controller="things"} 1',
      'controller_runtime_max_concurrent_reconciles{controller="things"} 1',
      'rest_client_requests_total',
      'rest_client_request_duration_seconds',
      'leader_election_master_status',
    ]) {
      assert.ok(text.includes(name), `${name} is missing in ${text}`);
    }
    bench.stop.abort();
    await bench.ended;
  });

  it('tell at a scrape how long work has been going on', async () => {
    const gate = Promise.withResolvers<undefined>();
    const bench = workbench(async () => {
      await gate.promise;
      return { kind: 'done' };
    }, 2);
    bench.queue.add('a');
    await bench.clock.advance(3000);
    bench.queue.add('b');
    await bench.clock.advance(1000);
    assert.equal(await bench.value('workqueue_unfinished_work_seconds', { name: 'things' }), 5);
    assert.equal(await bench.value('workqueue_longest_running_processor_seconds', { name: 'things' }), 4);
    gate.resolve(undefined);
    bench.stop.abort();
    await bench.ended;
    assert.equal(await bench.value('workqueue_depth', { name: 'things' }), undefined);
    assert.equal(await bench.value('workqueue_unfinished_work_seconds', { name: 'things' }), undefined);
    assert.equal(await bench.value('workqueue_adds_total', { name: 'things' }), 2);
  });
});

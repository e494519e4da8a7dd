import assert from 'node:assert/strict';

import { Registry } from 'prom-client';

import { silentLogger } from '#controller/kube/index.ts';
import { FakeClock } from '#controller/kube/testing/fake-clock.ts';
import { Rush } from '../proxy/index.ts';
import { template } from '../routes/testing/resources.ts';
import { httpPolicyOf } from '#controller/api/index.ts';
import { createRecorder } from './record.ts';
import { RECEIVED, spawnedOf, visitOf } from './testing/visits.ts';
import type { Visit } from './visit.ts';

const resource = template('shop');
const backend: NonNullable<Visit['backend']> = {
  ...{ namespace: 'ns', template: 'shop', resource, http: httpPolicyOf(resource) },
  ingress: { namespace: 'ns', name: 'shop' },
  limits: { maxConcurrent: 1, maxQueued: 0, queueTimeoutMs: 1_000 },
};
const MARKS = { begun: 1_010, created: 1_020, bound: 1_030, ready: 1_140, reachable: 1_150 };
const SERVED: Partial<Visit> = {
  ...{ backend, askedAt: 1_002, admittedAt: 1_010, spawned: spawnedOf(MARKS), tries: 1, status: 200 },
  marks: new Map([
    ['sent', 1_160],
    ['head', 1_200],
  ]),
};

function createScene() {
  const clock = new FakeClock();
  const registry = new Registry();
  const lines: { readonly message: string; readonly fields: Readonly<Record<string, unknown>> | undefined }[] = [];
  const logger = {
    ...silentLogger,
    info: (message: string, fields?: Readonly<Record<string, unknown>>) => void lines.push({ message, fields }),
  };
  const queue = { load: { waiting: 3, held: 2 } };
  const rush = new Rush(clock);
  const recorder = createRecorder({ logger, registry, queue, rush });
  const text = () => registry.metrics();
  return { recorder, rush, clock, registry, lines, text };
}

describe('the record of a request', () => {
  it('is a line that says who asked for what, what came of it, and where the time went', () => {
    const { recorder, lines } = createScene();
    recorder.record(visitOf(SERVED), RECEIVED + 250);
    assert.deepEqual(lines, [
      {
        message: 'A request is over',
        fields: {
          ...{ status: 200, method: 'GET', host: 'shop.test', path: '/cart', client: '192.0.2.1' },
          ...{ protocol: '1.1', tls: false, durationMs: 250 },
          ...{ namespace: 'ns', template: 'shop', name: 'shop-0123456789abcdef', tries: 1 },
          phases: { admission: 10, api: 10, spawn: 120, ready: 10, connect: 10, guest: 40 },
          traceId: 'f'.repeat(32),
        },
      },
    ]);
  });

  it('is 499 with the phase for a visitor who left, and names no domain where there was none', () => {
    const { recorder, lines } = createScene();
    const failure = { phase: 'admission', reason: 'visitor-left' } as const;
    recorder.record(visitOf({ backend, askedAt: 1_002, failure }), RECEIVED + 12.345);
    const { fields = {} } = lines[0] ?? {};
    assert.partialDeepStrictEqual(fields, { status: 499, ...failure, durationMs: 12.35, phases: { admission: 12.35 } });
    assert.ok(!('name' in fields) && !('tries' in fields));
  });

  it('is written on the spot for who comes alone, and for a crowd once that is over', async () => {
    const { recorder, lines, clock } = createScene();
    for (let index = 0; index < 100; index += 1) recorder.record(visitOf({ status: 503 }), RECEIVED + index);
    assert.equal(lines.length, 16);
    while (clock.pending > 0) await clock.advance(10);
    assert.deepEqual(
      lines.map(({ fields }) => fields?.['durationMs']),
      Array.from({ length: 100 }, (_, index) => index),
    );
  });

  it('is written at once for all that wait, where the ingress ends', async () => {
    const { recorder, rush, lines, clock } = createScene();
    for (let index = 0; index < 20; index += 1) recorder.record(visitOf({ status: 503 }), RECEIVED);
    rush.close();
    assert.equal(lines.length, 20);
    await clock.advance(10);
    assert.equal(lines.length, 20);
  });

  it('counts requests by status and reason, their time, and where it went', async () => {
    const { recorder, text } = createScene();
    recorder.record(visitOf(SERVED), RECEIVED + 250);
    recorder.record(visitOf({ status: 503, failure: { phase: 'admission', reason: 'QueueFull' } }), RECEIVED + 1);
    const metrics = await text();
    for (const line of [
      'hatchery_ingress_requests_total{code="200",reason=""} 1',
      'hatchery_ingress_requests_total{code="503",reason="QueueFull"} 1',
      'hatchery_ingress_request_duration_seconds_sum{code="200"} 0.25',
      'hatchery_ingress_phase_duration_seconds_sum{phase="spawn"} 0.12',
      // A refusal has no phases: it would hide where the time of a domain goes.
      'hatchery_ingress_phase_duration_seconds_count{phase="admission"} 1',
      'hatchery_ingress_slots_held 2',
      'hatchery_ingress_requests_waiting 3',
    ]) {
      assert.ok(metrics.split('\n').includes(line), `${line} is not in:\n${metrics}`);
    }
  });

  it('has no label whose values have no bound', async () => {
    const { recorder, registry } = createScene();
    recorder.record(visitOf({ ...SERVED, failure: { phase: 'guest', reason: 'GuestEnded' } }), RECEIVED + 250);
    const metrics = await registry.getMetricsAsJSON();
    const labels = new Set(metrics.flatMap(({ values }) => values.flatMap((value) => Object.keys(value.labels))));
    assert.deepEqual([...labels].sort(), ['code', 'le', 'phase', 'reason']);
  });
});

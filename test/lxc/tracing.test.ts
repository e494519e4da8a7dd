import assert from 'node:assert/strict';

import { silentLogger } from '#controller/kube/index.ts';
import { startTracing } from '#controller/observe/index.ts';
import type { Tracing } from '#controller/observe/index.ts';
import { STARTUP_TIMEOUT_MS, TEST_TIMEOUT_MS } from '#test/support/bed.ts';
import { startCollector } from '#test/support/collector.ts';
import type { CollectedSpan, Collector } from '#test/support/collector.ts';
import { eventually } from '#test/support/eventually.ts';
import { createIngressScene } from './ingress-scene.ts';
import type { IngressScene } from './ingress-scene.ts';

const VISITORS = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' };
const TRACEPARENT = `00-${VISITORS.traceId}-${VISITORS.spanId}-01`;
const VARIABLE = 'OTEL_EXPORTER_OTLP_ENDPOINT';

interface Echo {
  readonly headers: readonly (readonly [string, string])[];
}

describe('a request that is traced, on an LXC host', function () {
  this.timeout(TEST_TIMEOUT_MS);
  let collector: Collector;
  let tracing: Tracing;
  let scene: IngressScene;

  before(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    collector = await startCollector();
    const environment = { [VARIABLE]: collector.url };
    // The stage's controller lives in this process, whose variables the exporter reads as it is made.
    process.env[VARIABLE] = collector.url;
    const service = { name: 'hatchery-controller', version: 'test', instance: 'test' };
    tracing = await startTracing(environment, service, silentLogger);
    Reflect.deleteProperty(process.env, VARIABLE);
    scene = await createIngressScene({ tracer: tracing.tracer, environment });
    await scene.serve('echo', { words: '-mode echo' });
  });
  after(async () => {
    await scene.dispose();
    await tracing.close();
    collector.close();
  });

  it('is one trace over ingress, controller and host call, of which its guest is told', async () => {
    const answer = await scene.ask('echo', { headers: { Traceparent: TRACEPARENT } });
    assert.equal(answer.status, 200, answer.body);
    const { headers } = JSON.parse(answer.body) as Echo;
    const told = headers.find(([name]) => name.toLowerCase() === 'traceparent')?.[1] ?? '';
    const [, traceId = '', spanId = ''] = told.split('-');
    const ours = (): readonly CollectedSpan[] => collector.spans().filter((span) => span.traceId === traceId);
    const named = (name: string): CollectedSpan => {
      const found = ours().find((span) => span.name === name);
      assert.ok(
        found !== undefined,
        `no span ${name} among ${ours()
          .map((span) => span.name)
          .join(', ')}`,
      );
      return found;
    };
    const { request, attempt, call } = await eventually(() => ({
      request: named(`GET ${scene.stage.namespace}/echo`),
      attempt: named('EphemeralDomain attempt'),
      call: named('libvirt start'),
    }));
    assert.equal(request.spanId, spanId);
    assert.deepEqual([request.service, request.parentSpanId], ['hatchery-ingress', '']);
    // Whom nobody vouches for gets a trace of its own, linked to what it brought.
    assert.notEqual(traceId, VISITORS.traceId);
    assert.partialDeepStrictEqual(request.links, [VISITORS]);
    assert.deepEqual([attempt.service, attempt.parentSpanId], ['hatchery-controller', request.spanId]);
    assert.deepEqual([call.service, call.parentSpanId], ['hatchery-controller', attempt.spanId]);
    assert.ok(call.start >= attempt.start && call.end <= attempt.end);
    const parts = ours().filter(
      ({ service, parentSpanId }) => service === 'hatchery-ingress' && parentSpanId === spanId,
    );
    const names = parts.map(({ name }) => name);
    for (const name of ['admission', 'api', 'guest']) assert.ok(names.includes(name), names.join(', '));
    const whole = parts.reduce((sum, { start, end }) => sum + end - start, 0);
    assert.ok(whole <= request.end - request.start + 1, `${whole} of ${request.end - request.start} ms`);
  });
});

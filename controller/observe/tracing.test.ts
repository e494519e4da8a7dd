import assert from 'node:assert/strict';

import { startCollector } from '#test/support/collector.ts';
import { eventually } from '#test/support/eventually.ts';
import { isTraced, NO_TRACER, spanContextIn, startTracing, traceparentOf } from './tracing.ts';

const ENDPOINT = 'OTEL_EXPORTER_OTLP_ENDPOINT';
const OWN = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' };
const SERVICE = { name: 'service', version: '1', instance: 'i' };
const LOGGER = { warn: () => undefined };

describe('tracing', () => {
  const cases: readonly (readonly [Readonly<Record<string, string>>, boolean])[] = [
    [{}, false],
    [{ [ENDPOINT]: '' }, false],
    [{ [ENDPOINT]: 'http://c:4318' }, true],
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://c:4318/v1/traces' }, true],
    [{ [ENDPOINT]: 'http://c:4318', OTEL_SDK_DISABLED: 'true' }, false],
    [{ [ENDPOINT]: 'http://c:4318', OTEL_TRACES_EXPORTER: 'none' }, false],
  ];
  for (const [environment, is] of cases) {
    it(`is ${is ? 'on' : 'off'} with ${JSON.stringify(environment)}`, () => {
      assert.equal(isTraced(environment), is);
    });
  }

  it('tells nobody of anything where it is off', async () => {
    const { tracer } = await startTracing({}, SERVICE, LOGGER);
    assert.equal(tracer, NO_TRACER);
  });

  it('sends spans with the ids that were given away, below their parents', async () => {
    const collector = await startCollector();
    process.env[ENDPOINT] = collector.url;
    const tracing = await startTracing({ [ENDPOINT]: collector.url }, SERVICE, LOGGER);
    const { tracer } = tracing;
    Reflect.deleteProperty(process.env, ENDPOINT);
    const span = { kind: 'internal', start: 1_000.5, end: 2_000.25, attributes: {} } as const;
    const outer = tracer.record({ ...span, name: 'outer', own: OWN });
    assert.deepEqual(outer, { ...OWN, sampled: true });
    const inner = tracer.record({ ...span, name: 'inner', parent: outer });
    assert.equal(inner?.traceId, OWN.traceId);
    // Its caller does not want it to be told.
    const silent = tracer.record({ ...span, name: 'silent', parent: { ...OWN, sampled: false } });
    assert.equal(silent?.sampled, false);
    await tracing.close();
    await eventually(() => assert.equal(collector.spans().length, 2));
    collector.close();
    const [first, second] = collector.spans();
    assert.partialDeepStrictEqual(first, { ...OWN, service: 'service', name: 'outer', start: 1_000.5, end: 2_000.25 });
    assert.partialDeepStrictEqual(second, { traceId: OWN.traceId, parentSpanId: OWN.spanId, name: 'inner' });
  }).timeout(20_000);

  it('reads what it writes, and nothing else', () => {
    for (const sampled of [true, false]) {
      assert.deepEqual(spanContextIn(traceparentOf({ ...OWN, sampled })), { ...OWN, sampled });
    }
    for (const text of [
      ...[undefined, '', 'x', `01-${OWN.traceId}-${OWN.spanId}-01`, `00-${OWN.traceId}-${OWN.spanId}-01-more`],
      ...[`00-${'0'.repeat(32)}-${OWN.spanId}-01`, `00-${OWN.traceId}-${'0'.repeat(16)}-01`],
      `00-${OWN.traceId.toUpperCase()}-${OWN.spanId}-01`,
    ]) {
      assert.equal(spanContextIn(text), undefined);
    }
  });
});

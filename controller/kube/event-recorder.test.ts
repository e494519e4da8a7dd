import assert from 'node:assert/strict';
import { Registry } from 'prom-client';
import { createEventRecorder } from './event-recorder.ts';
import type { EventRecorderOptions } from './events.ts';
import { createKubeMetrics } from './metrics.ts';
import { FakeApi } from './testing/fake-api.ts';
import { FakeClock } from './testing/fake-clock.ts';
import { thing, THINGS } from './testing/objects.ts';

function bench(options: Partial<EventRecorderOptions> = {}) {
  const [api, clock, registry] = [new FakeApi(), new FakeClock(), new Registry()];
  const logged: string[] = [];
  const log = (message: string): void => void logged.push(message);
  const logger = { debug: () => undefined, info: log, warn: log, error: log };
  const metrics = createKubeMetrics(registry);
  const recorder = createEventRecorder({
    client: api.client,
    component: 'c',
    instance: 'i',
    clock,
    metrics,
    logger,
    ...options,
  });
  const say = (name: string, message = 'm'): void =>
    recorder.event(THINGS, thing(name, 7), 'Normal', 'Because', message);
  const dropped = async (): Promise<unknown> => {
    const metric = await registry.getSingleMetric('event_recorder_dropped_total')?.get();
    return metric?.values.map((each) => [each.labels['reason'], each.value]);
  };
  return { api, clock, recorder, say, logged, dropped };
}

describe('event recorder', () => {
  it('creates an event that kubectl describe finds', async () => {
    const { api, clock, recorder, say } = bench();
    say('a', 'Placed on host-1');
    await clock.advance(0);
    const [event] = api.objects.values();
    assert.deepEqual(
      { ...event, metadata: event?.metadata.namespace },
      {
        metadata: 'default',
        involvedObject: {
          ...{ apiVersion: 'test.example/v1', kind: 'Thing', namespace: 'default', name: 'a' },
          ...{ uid: 'a-uid', resourceVersion: '7' },
        },
        type: 'Normal',
        reason: 'Because',
        message: 'Placed on host-1',
        count: 1,
        firstTimestamp: '2030-01-01T00:00:00Z',
        lastTimestamp: '2030-01-01T00:00:00Z',
        source: { component: 'c' },
        reportingComponent: 'c',
        reportingInstance: 'i',
      },
    );
    await recorder.stop(0);
  });

  it('counts repetitions up by one patch each, or one for all that waited', async () => {
    const { api, clock, recorder, say } = bench();
    say('a');
    await clock.advance(1000);
    for (let i = 0; i < 3; i++) say('a');
    await clock.advance(0);
    assert.deepEqual(
      api.calls.map((call) => call.verb),
      ['create', 'patch'],
    );
    assert.equal((api.calls[1]?.body as { readonly count: number }).count, 4);
    await recorder.stop(0);
  });

  it('tries again while the server cannot, in time', async () => {
    const { api, clock, recorder, say, logged } = bench();
    let failures = 3;
    api.fault = () => (failures-- > 0 ? 'unavailable' : undefined);
    say('a');
    await clock.advance(5000);
    assert.equal(api.objects.size, 1);
    assert.deepEqual(logged, []);
    await recorder.stop(0);
  });

  it('gives up after six tries, or at once when it is refused, and says so', async () => {
    for (const [fault, calls] of [
      ['unavailable', 7],
      ['forbidden', 1],
    ] as const) {
      const { api, clock, recorder, say, logged, dropped } = bench();
      api.fault = () => fault;
      say('a');
      await clock.advance(120_000);
      assert.equal(api.calls.length, calls);
      assert.deepEqual([logged, await dropped()], [['event not sent'], [['rejected', 1]]]);
      await recorder.stop(0);
    }
  });

  it('makes anew an event that the server has dropped meanwhile', async () => {
    const { api, clock, recorder, say } = bench();
    say('a');
    await clock.advance(0);
    const [before] = api.objects.keys();
    api.objects.clear();
    say('a');
    await clock.advance(0);
    const [after] = api.objects.keys();
    assert.ok(after !== undefined && after !== before);
    say('a');
    await clock.advance(0);
    assert.deepEqual(
      api.calls.map((call) => call.verb),
      ['create', 'patch', 'create', 'patch'],
    );
    await recorder.stop(0);
  });

  it('patches what an earlier try had created after all', async () => {
    const { api, clock, recorder, say } = bench();
    api.fault = (call) => (call.verb === 'create' && api.calls.length === 1 ? 'lost' : undefined);
    say('a');
    await clock.advance(1000);
    assert.deepEqual(
      api.calls.map((call) => call.verb),
      ['create', 'create', 'patch'],
    );
    assert.equal(api.objects.size, 1);
    await recorder.stop(0);
  });

  it('drops and counts what its bounded queue or the spam bucket has no room for', async () => {
    const { api, clock, recorder, say, dropped } = bench({ maxQueued: 2 });
    api.fault = () => 'hang';
    for (const name of ['a', 'b', 'c']) say(name);
    for (let i = 0; i < 30; i++) say('a');
    assert.deepEqual(await dropped(), [
      ['queue_full', 1],
      ['spam', 6],
    ]);
    api.fault = () => undefined;
    void recorder.stop(0);
    await clock.advance(0);
  });

  it('sends what waits when it stops, for as long as it may, and takes no more', async () => {
    const { api, clock, recorder, say } = bench();
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) say(name);
    assert.equal(await recorder.stop(1000), 0);
    assert.equal(api.objects.size, 6);
    say('late');
    await clock.advance(0);
    assert.equal(api.objects.size, 6);
  });

  it('tells how many were left when time was up', async () => {
    const { api, clock, recorder, say } = bench();
    api.fault = () => 'unavailable';
    say('a');
    const stopping = recorder.stop(100);
    await clock.advance(100);
    assert.equal(await stopping, 1);
  });
});

import assert from 'node:assert/strict';
import { createLease } from './elector.ts';
import type { Lease, LeaseEnd, LeaseOptions } from './lease.ts';
import { FakeApi } from './testing/fake-api.ts';
import { FakeClock } from './testing/fake-clock.ts';

const KEY = 'default/controller';

interface Contender {
  readonly lease: Lease;
  readonly stop: AbortController;
  readonly ended: Promise<LeaseEnd>;
  readonly told: readonly string[];
  end: LeaseEnd | undefined;
}

/** A contender on the given API and clock, running. */
function contender(api: FakeApi, clock: FakeClock, identity: string, options: Partial<LeaseOptions> = {}): Contender {
  const told: string[] = [];
  const stop = new AbortController();
  const lease = createLease({
    client: api.client,
    namespace: 'default',
    name: 'controller',
    identity,
    clock,
    random: () => 0.5,
    onStartedLeading: () => void told.push('started'),
    onStoppedLeading: (why) => void told.push(why),
    onNewLeader: (holder) => void told.push(`leader ${holder}`),
    ...options,
  });
  const ended = lease.run(stop.signal);
  const result: Contender = { lease, stop, ended, told, end: undefined };
  void ended.then((end) => (result.end = end));
  return result;
}

function spec(api: FakeApi): Readonly<Record<string, unknown>> {
  const object = api.objects.get(KEY) as unknown as { readonly spec: Readonly<Record<string, unknown>> };
  return object.spec;
}

describe('lease', () => {
  it('is created by the first, who renews it every two seconds', async () => {
    const [api, clock] = [new FakeApi(), new FakeClock()];
    const a = contender(api, clock, 'a');
    await clock.advance(0);
    assert.deepEqual([a.lease.isHeld(), a.told], [true, ['leader a', 'started']]);
    assert.deepEqual(spec(api), {
      holderIdentity: 'a',
      leaseDurationSeconds: 15,
      acquireTime: '2030-01-01T00:00:00.000500Z',
      renewTime: '2030-01-01T00:00:00.000000Z',
      leaseTransitions: 0,
    });
    await clock.advance(60_000);
    assert.equal(api.count('replace'), 30);
    assert.equal(spec(api)['renewTime'], '2030-01-01T00:01:00.000000Z');
    a.stop.abort();
    assert.equal(await a.ended, 'stopped');
  });

  it('goes to another 15 s after the last renewal that other saw, whatever the clocks say', async () => {
    const [api, clock] = [new FakeApi(), new FakeClock()];
    const a = contender(api, clock, 'a');
    await clock.advance(10_000);
    // The holder dies, and its times lie a year ahead: only that they change no more counts.
    api.fault = () => 'transport';
    const record = api.objects.get(KEY) as unknown as { spec: { renewTime: string } };
    record.spec.renewTime = '2031-01-01T00:00:00.000000Z';
    await clock.advance(10_000);
    assert.equal(a.end, 'expired');
    api.fault = () => undefined;
    const b = contender(api, clock, 'b');
    await clock.advance(14_999);
    assert.equal(b.lease.isHeld(), false);
    await clock.advance(2_201);
    assert.deepEqual([b.lease.isHeld(), spec(api)['holderIdentity'], spec(api)['leaseTransitions']], [true, 'b', 1]);
    b.stop.abort();
    await b.ended;
  });

  it('is taken back at once by the same identity, and the process before it steps down', async () => {
    const [api, clock] = [new FakeApi(), new FakeClock()];
    const before = contender(api, clock, 'a');
    await clock.advance(5_000);
    const after = contender(api, clock, 'a', { random: () => 0.9 });
    await clock.advance(0);
    assert.equal(after.lease.isHeld(), true);
    await clock.advance(2_000);
    assert.deepEqual([before.end, before.lease.isHeld(), after.lease.isHeld()], ['replaced', false, true]);
    after.stop.abort();
    await after.ended;
  });

  it('is given up on a clean stop, so that another need not wait', async () => {
    const [api, clock] = [new FakeApi(), new FakeClock()];
    const a = contender(api, clock, 'a');
    await clock.advance(0);
    const b = contender(api, clock, 'b');
    await clock.advance(0);
    a.stop.abort();
    await a.ended;
    assert.deepEqual([spec(api)['holderIdentity'], spec(api)['leaseDurationSeconds']], ['', 1]);
    await clock.advance(2_400);
    assert.equal(b.lease.isHeld(), true);
    assert.deepEqual(b.told, ['leader a', 'leader b', 'started']);
    b.stop.abort();
    await b.ended;
  });

  it('lets only one of two who try at the same moment have it', async () => {
    const [api, clock] = [new FakeApi(), new FakeClock()];
    const both = [contender(api, clock, 'a'), contender(api, clock, 'b')];
    await clock.advance(10_000);
    assert.equal(both.filter((each) => each.lease.isHeld()).length, 1);
    for (const each of both) each.stop.abort();
    await Promise.all(both.map((each) => each.ended));
  });
});

describe('lease: the renew deadline', () => {
  for (const fault of ['transport', 'hang', 'unavailable'] as const) {
    it(`ends it 10 s after the last renewal was sent, when calls end in '${fault}'`, async () => {
      const [api, clock] = [new FakeApi(), new FakeClock()];
      const a = contender(api, clock, 'a');
      await clock.advance(4_500);
      const aborted: number[] = [];
      a.lease.signal.addEventListener('abort', () => aborted.push(clock.now()));
      api.fault = () => fault;
      await clock.advance(9_499);
      assert.deepEqual([a.lease.isHeld(), aborted], [true, []]);
      await clock.advance(1);
      assert.deepEqual([a.lease.isHeld(), aborted], [false, [14_000]]);
      const sent = api.calls.length;
      await clock.advance(60_000);
      assert.deepEqual([a.end, api.calls.length], ['expired', sent]);
    });
  }

  it('is not passed when a renewal fails once, or its answer is lost', async () => {
    const [api, clock] = [new FakeApi(), new FakeClock()];
    const a = contender(api, clock, 'a');
    await clock.advance(1_000);
    let renewals = 0;
    api.fault = (call) =>
      call.verb === 'replace' && ++renewals <= 2 ? (renewals === 1 ? 'unavailable' : 'lost') : undefined;
    await clock.advance(60_000);
    assert.equal(a.lease.isHeld(), true);
    a.stop.abort();
    await a.ended;
  });

  it('does not move by a renewal whose answer came after it', async () => {
    const [api, clock] = [new FakeApi(), new FakeClock()];
    const a = contender(api, clock, 'a');
    await clock.advance(1_000);
    api.fault = () => 'hang';
    await clock.advance(9_000);
    api.fault = () => undefined;
    await clock.advance(20_000);
    assert.deepEqual([a.end, a.lease.isHeld()], ['expired', false]);
  });

  it('survives that someone else wrote to the record, but not that he took it', async () => {
    const [api, clock] = [new FakeApi(), new FakeClock()];
    const a = contender(api, clock, 'a');
    await clock.advance(1_000);
    const { client } = api;
    const touch = async (change: Readonly<Record<string, unknown>>): Promise<void> => {
      await client.patch(
        { group: '', version: 'v1', plural: 'l', kind: 'Lease', namespaced: true },
        { namespace: 'default', name: 'controller' },
        change,
      );
    };
    await touch({});
    await clock.advance(5_000);
    assert.equal(a.lease.isHeld(), true);
    await touch({ spec: { ...spec(api), holderIdentity: 'thief' } });
    await clock.advance(2_000);
    assert.equal(a.end, 'replaced');
    assert.equal(spec(api)['holderIdentity'], 'thief');
  });
});

describe('lease: stopping', () => {
  it('goes on renewing until the work has ended, then gives it up', async () => {
    const [api, clock] = [new FakeApi(), new FakeClock()];
    const work = Promise.withResolvers<undefined>();
    let told: AbortSignal | undefined;
    const a = contender(api, clock, 'a', {
      onStartedLeading: (signal) => {
        told = signal;
        return work.promise.then(() => undefined);
      },
    });
    await clock.advance(0);
    a.stop.abort();
    await clock.advance(20_000);
    assert.deepEqual([told?.aborted, a.lease.isHeld(), a.end], [true, true, undefined]);
    work.resolve(undefined);
    await clock.advance(0);
    assert.deepEqual([a.lease.isHeld(), a.end, spec(api)['holderIdentity']], [false, 'stopped', '']);
  });

  it('waits for the work 30 s at most, and then lets the lease run out', async () => {
    const [api, clock] = [new FakeApi(), new FakeClock()];
    const a = contender(api, clock, 'a', { onStartedLeading: () => new Promise(() => undefined) });
    await clock.advance(0);
    a.stop.abort();
    await clock.advance(30_000);
    assert.deepEqual([a.lease.isHeld(), a.end, spec(api)['holderIdentity']], [false, 'expired', 'a']);
  });

  it('rejects with what the work rejects with, the lease given up', async () => {
    const [api, clock] = [new FakeApi(), new FakeClock()];
    const stop = new AbortController();
    const options = { client: api.client, namespace: 'default', name: 'controller', identity: 'a', clock };
    const lease = createLease({ ...options, onStartedLeading: () => Promise.reject(new Error('no work today')) });
    await assert.rejects(lease.run(stop.signal), /no work today/);
    assert.deepEqual([lease.isHeld(), spec(api)['holderIdentity']], [false, '']);
  });

  it('while waiting for it ends the wait, and sends no more', async () => {
    const [api, clock] = [new FakeApi(), new FakeClock()];
    const a = contender(api, clock, 'a');
    await clock.advance(0);
    const b = contender(api, clock, 'b');
    await clock.advance(0);
    b.stop.abort();
    assert.equal(await b.ended, 'stopped');
    assert.deepEqual(b.told, ['leader a']);
    a.stop.abort();
    await a.ended;
  });

  it('refuses durations that could let two hold it', () => {
    const options = { client: new FakeApi().client, namespace: 'd', name: 'n', identity: 'a' };
    assert.throws(() => createLease({ ...options, renewDeadlineMs: 15_000 }), RangeError);
    assert.throws(() => createLease({ ...options, retryPeriodMs: 9_000 }), RangeError);
    assert.throws(() => createLease({ ...options, identity: '' }), RangeError);
  });
});

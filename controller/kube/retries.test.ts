import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Backoff } from './backoff.ts';
import { DelayHeap } from './delay-heap.ts';
import { TokenBucket } from './rate-limiter.ts';
import { FakeClock } from './testing/fake-clock.ts';

describe('delay heap', () => {
  it('gives back what is due, the earliest first, whatever the order it came in', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 100 })), fc.nat({ max: 100 }), (delays, now) => {
        const heap = new DelayHeap<number>();
        for (const delay of delays) heap.push(delay, delay);
        const popped: number[] = [];
        for (let item = heap.popDue(now); item !== undefined; item = heap.popDue(now)) popped.push(item);
        assert.deepEqual(
          popped,
          delays.filter((delay) => delay <= now).sort((a, b) => a - b),
        );
        assert.equal(heap.size, delays.length - popped.length);
      }),
    );
  });
});

describe('back-off', () => {
  it('doubles up to its bound, between half and the whole by chance, and starts anew after reset', () => {
    for (const { random, expected } of [
      { random: 0, expected: [50, 100, 200, 400, 400] },
      { random: 1, expected: [100, 200, 400, 800, 800] },
    ]) {
      const backoff = new Backoff({ minMs: 100, maxMs: 800, random: () => random });
      assert.deepEqual(
        [1, 2, 3, 4, 5].map(() => backoff.next()),
        expected,
      );
      backoff.reset();
      assert.equal(backoff.next(), expected[0]);
    }
  });

  it('stays within its bound for ever', () => {
    const backoff = new Backoff({ minMs: 100, maxMs: 30_000, random: () => 1 });
    for (let i = 0; i < 5000; i++) assert.ok(backoff.next() <= 30_000);
  });
});

describe('token bucket', () => {
  it('tells how long to wait for a token of the future', async () => {
    const clock = new FakeClock();
    const bucket = new TokenBucket(clock, { perSecond: 10, burst: 2 });
    assert.deepEqual([bucket.reserve(), bucket.reserve(), bucket.reserve(), bucket.reserve()], [0, 0, 100, 200]);
    await clock.advance(300);
    assert.equal(bucket.reserve(), 0);
  });

  it('takes none where there is none, and holds no more than its burst', async () => {
    const clock = new FakeClock();
    const bucket = new TokenBucket(clock, { perSecond: 1, burst: 2 });
    await clock.advance(60_000);
    assert.deepEqual([bucket.tryTake(), bucket.tryTake(), bucket.tryTake()], [true, true, false]);
    await clock.advance(1000);
    assert.equal(bucket.tryTake(), true);
  });
});

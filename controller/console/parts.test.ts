import assert from 'node:assert/strict';

import fc from 'fast-check';

import { Follower, FOLLOWER_HOLDS_BYTES } from './follower.ts';
import { Ring } from './ring.ts';
import { Throttle } from './throttle.ts';
import { Turns } from './turns.ts';

describe('a ring of bytes', () => {
  it('holds the last bytes of whatever is pushed', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 16 }), fc.array(fc.uint8Array({ maxLength: 40 })), (capacity, chunks) => {
        const ring = new Ring(capacity);
        for (const chunk of chunks) ring.push(chunk);
        const all = Buffer.concat(chunks);
        assert.deepEqual(ring.contents(), all.subarray(Math.max(all.length - capacity, 0)));
        assert.equal(ring.isCut, all.length > capacity);
        assert.equal(ring.total, all.length);
      }),
    );
  });
});

describe('a throttle', () => {
  it('lets a burst pass, then asks for pauses that keep to the rate', () => {
    let now = 0;
    const throttle = new Throttle(() => now, { bytesPerSecond: 1000, burst: 500 });
    assert.equal(throttle.charge(500), 0);
    assert.equal(throttle.charge(250), 250);
    now += 250;
    assert.equal(throttle.charge(100), 100);
    now += 10_000;
    assert.equal(throttle.charge(500), 0);
    assert.equal(throttle.charge(1), 1);
  });
});

describe('turns', () => {
  it('are taken a few at once, in order, and passed on after a failure too', async () => {
    const turns = new Turns(2);
    const log: string[] = [];
    const gates = ['a', 'b', 'c', 'd'].map((name) => ({ name, ...Promise.withResolvers<undefined>() }));
    const all = gates.map(({ name, promise }) =>
      turns.take(() => {
        log.push(name);
        return promise;
      }),
    );
    assert.deepEqual(log, ['a', 'b']);
    gates[1]?.reject(new RangeError('b'));
    await assert.rejects(all[1]!, RangeError);
    gates[0]?.resolve(undefined);
    await all[0];
    assert.deepEqual(log, ['a', 'b', 'c', 'd']);
    gates[2]?.resolve(undefined);
    gates[3]?.resolve(undefined);
    await Promise.all(all.slice(2));
  });
});

describe('a follower', () => {
  /** A sink that takes what it is given until it is blocked, and notes it. */
  const createSink = () => {
    const sink = {
      text: '',
      ended: undefined as boolean | undefined,
      isBlocked: false,
      write: (bytes: Uint8Array) => {
        sink.text += Buffer.from(bytes).toString();
        return !sink.isBlocked;
      },
      end: (complete: boolean) => {
        sink.ended = complete;
      },
    };
    return sink;
  };

  it('that keeps up gets everything, in order', () => {
    const sink = createSink();
    const follower = new Follower(sink);
    for (const piece of ['one', 'two', 'three']) follower.push(Buffer.from(piece));
    follower.end(true);
    assert.deepEqual([sink.text, sink.ended], ['onetwothree', true]);
  });

  it('that is slow for a moment gets everything, later', () => {
    const sink = createSink();
    const follower = new Follower(sink);
    sink.isBlocked = true;
    for (const piece of ['one', 'two', 'three']) follower.push(Buffer.from(piece));
    assert.equal(sink.text, 'one');
    sink.isBlocked = false;
    follower.drained();
    assert.equal(sink.text, 'onetwothree');
  });

  it('that is too slow loses output, is told where and how much, and holds a bounded amount meanwhile', () => {
    const sink = createSink();
    const follower = new Follower(sink);
    sink.isBlocked = true;
    const piece = Buffer.alloc(1000, '.');
    for (let i = 0; i < 5000; i += 1) {
      follower.push(piece);
      assert.ok(follower.held <= FOLLOWER_HOLDS_BYTES);
    }
    sink.isBlocked = false;
    follower.drained();
    follower.push(Buffer.from('after'));
    const dots = sink.text.match(/\./g)?.length ?? 0;
    const lost = Number(/\n\[hatchery: (\d+) bytes of the console are missing here/.exec(sink.text)?.[1]);
    assert.equal(dots + lost, 5_000_000);
    assert.ok(lost > 4_000_000);
    assert.ok(sink.text.endsWith('too slow]\nafter'));
  });

  it('that has left gets nothing more', () => {
    const sink = createSink();
    const follower = new Follower(sink);
    follower.leave();
    follower.push(Buffer.from('x'));
    follower.end(true);
    assert.deepEqual([sink.text, sink.ended], ['', undefined]);
  });
});

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { FakeClock, settle } from './testing/fake-clock.ts';
import { createWorkQueue } from './work-queue.ts';

function queueOn(clock = new FakeClock()) {
  return { clock, queue: createWorkQueue({ name: 'test', clock }) };
}

describe('work queue', () => {
  it('hands keys out in order, each once however often it was added', async () => {
    const { queue } = queueOn();
    for (const key of ['a', 'b', 'a', 'b', 'c']) queue.add(key);
    assert.equal(queue.length, 3);
    assert.deepEqual([await queue.get(), await queue.get(), await queue.get()], ['a', 'b', 'c']);
  });

  it('gives a key added while it is worked on to nobody until it is done, then once more', async () => {
    const { queue } = queueOn();
    queue.add('a');
    await queue.get();
    queue.add('a');
    queue.add('a');
    assert.equal(queue.length, 0);
    queue.done('a');
    assert.equal(queue.length, 1);
    assert.equal(await queue.get(), 'a');
    queue.done('a');
    assert.equal(queue.length, 0);
  });

  it('wakes one waiting worker for each key', async () => {
    const { queue } = queueOn();
    const got = [queue.get(), queue.get()];
    queue.add('a');
    queue.add('b');
    assert.deepEqual(await Promise.all(got), ['a', 'b']);
  });

  it('ignores done() for what no worker has', () => {
    const { queue } = queueOn();
    queue.done('a');
    assert.equal(queue.length, 0);
  });
});

describe('work queue: delays', () => {
  it('adds after a delay, and of several delays counts the earliest', async () => {
    const { clock, queue } = queueOn();
    queue.addAfter('a', 1000);
    queue.addAfter('a', 100);
    queue.addAfter('a', 500);
    await clock.advance(99);
    assert.equal(queue.length, 0);
    await clock.advance(1);
    assert.equal(await queue.get(), 'a');
    queue.done('a');
    await clock.advance(2000);
    assert.equal(queue.length, 0);
  });

  it('adds at once what has no delay', () => {
    const { queue } = queueOn();
    queue.addAfter('a', 0);
    assert.equal(queue.length, 1);
  });

  it('backs off from 5 ms, doubling, to 1,000 s, and starts anew once forgotten', async () => {
    const { clock, queue } = queueOn();
    const delays: number[] = [];
    for (let failure = 0; failure < 20; failure++) {
      queue.addRateLimited('a');
      delays.push(clock.nextIn ?? 0);
      await clock.advance(clock.nextIn ?? 0);
      await queue.get();
      queue.done('a');
    }
    assert.deepEqual(delays.slice(0, 4), [5, 10, 20, 40]);
    assert.deepEqual(delays.slice(-2), [1_000_000, 1_000_000]);
    assert.equal(queue.retries('a'), 20);
    queue.forget('a');
    queue.addRateLimited('a');
    assert.equal(clock.nextIn, 5);
  });

  it('lets all keys together retry 100 times at once and then 10 a second', async () => {
    const { clock, queue } = queueOn();
    for (let i = 0; i < 120; i++) queue.addRateLimited(`key-${i}`);
    await clock.advance(50);
    assert.equal(queue.length, 100);
    await clock.advance(1000);
    assert.equal(queue.length, 110);
    await clock.advance(1000);
    assert.equal(queue.length, 120);
  });
});

describe('work queue: shutdown', () => {
  it('takes no more, hands out what waits, then undefined', async () => {
    const { clock, queue } = queueOn();
    queue.add('a');
    queue.addAfter('later', 10);
    queue.shutDown();
    queue.add('b');
    await clock.advance(100);
    assert.deepEqual([await queue.get(), await queue.get()], ['a', undefined]);
  });

  it('drains: resolves when the last worker is done', async () => {
    const { queue } = queueOn();
    queue.add('a');
    await queue.get();
    let drained = false;
    const draining = queue.shutDownWithDrain().then(() => (drained = true));
    await settle();
    assert.equal(drained, false);
    queue.done('a');
    await draining;
    assert.equal(drained, true);
  });

  it('releases workers that wait for a key', async () => {
    const { queue } = queueOn();
    const waiting = queue.get();
    queue.shutDown();
    assert.equal(await waiting, undefined);
  });
});

type Step = { readonly do: 'add' | 'after' | 'take' | 'done' | 'advance'; readonly key: string; readonly ms: number };

describe('work queue: any sequence of calls', () => {
  it('never gives one key to two workers, and in the end works on each key after its last addition', async () => {
    const step: fc.Arbitrary<Step> = fc.record({
      do: fc.constantFrom('add', 'after', 'take', 'done', 'advance'),
      key: fc.constantFrom('a', 'b', 'c'),
      ms: fc.integer({ min: 1, max: 30 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const { clock, queue } = queueOn();
        const working = new Set<string>();
        const owed = new Set<string>();
        const take = async (): Promise<void> => {
          if (queue.length === 0) return;
          const key = await queue.get();
          assert.ok(key !== undefined && !working.has(key), `${key ?? ''} is with two workers`);
          working.add(key);
          owed.delete(key);
        };
        const done = (key: string): void => {
          working.delete(key);
          queue.done(key);
        };
        for (const each of steps) {
          if (each.do === 'add') queue.add(each.key);
          if (each.do === 'after') queue.addAfter(each.key, each.ms);
          if (each.do === 'add' || each.do === 'after') owed.add(each.key);
          if (each.do === 'take') await take();
          if (each.do === 'done') done(each.key);
          if (each.do === 'advance') await clock.advance(each.ms);
        }
        await clock.advance(100);
        for (let round = 0; round < 10; round++) {
          for (const key of [...working]) done(key);
          await take();
        }
        assert.deepEqual([...owed], []);
      }),
      { numRuns: 200 },
    );
  });
});

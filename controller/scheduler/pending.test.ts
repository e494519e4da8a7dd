import assert from 'node:assert/strict';
import fc from 'fast-check';

import { PendingQueue } from './pending.ts';
import type { PendingItem } from './pending.ts';

function item(key: string, since = 0, signature = 'small', priority = 0): PendingItem {
  return { key, since, signature, priority };
}

/** Takes everything that is not set aside, in order. */
function drain(queue: PendingQueue): string[] {
  const keys: string[] = [];
  for (let next = queue.next(); next !== undefined; next = queue.next()) {
    keys.push(next.key);
    queue.remove(next.key);
  }
  return keys;
}

describe('PendingQueue', () => {
  it('hands out the one that has waited longest, whatever it asks', () => {
    const queue = new PendingQueue();
    for (const added of [item('c', 3), item('a', 1, 'big'), item('b', 2)]) queue.add(added);
    assert.deepEqual(drain(queue), ['a', 'b', 'c']);
  });

  it('hands out a higher priority first, however long others have waited', () => {
    const queue = new PendingQueue();
    for (const added of [item('old', 1), item('low', 0, 'small', -5), item('urgent', 9, 'small', 100)])
      queue.add(added);
    assert.deepEqual(drain(queue), ['urgent', 'old', 'low']);
  });

  it('lets an urgent item pass a blocked one that is more urgent, and the blocked one others', () => {
    const queue = new PendingQueue();
    for (const added of [item('huge', 1, 'huge', 9), item('urgent', 2, 'big', 5), item('plain', 0)]) queue.add(added);
    queue.block('huge');
    assert.deepEqual(drain(queue), ['urgent', 'plain']);
    queue.unblock();
    assert.deepEqual(drain(queue), ['huge']);
  });

  it('an urgent item that comes last is the first of those that ask the same', () => {
    const queue = new PendingQueue();
    for (let i = 0; i < 50; i += 1) queue.add(item(`plain-${i}`, i));
    assert.equal(queue.next()?.key, 'plain-0');
    queue.add(item('urgent', 99, 'small', 1));
    assert.equal(queue.next()?.key, 'urgent');
  });

  it('keeps the order of arrival among equals', () => {
    const queue = new PendingQueue();
    for (const key of ['z', 'y', 'x']) queue.add(item(key));
    assert.deepEqual(drain(queue), ['z', 'y', 'x']);
  });

  it('lets others pass while a signature is set aside, and gives it back its turn', () => {
    const queue = new PendingQueue();
    for (const added of [item('big', 1, 'big'), item('small', 2)]) queue.add(added);
    queue.block('big');
    assert.ok(queue.isBlocked('big'));
    assert.deepEqual(drain(queue), ['small']);
    queue.add(item('later', 3));
    queue.unblock();
    assert.deepEqual(drain(queue), ['big', 'later']);
  });

  it('keeps the turn of an item that is added again unchanged', () => {
    const queue = new PendingQueue();
    for (const added of [item('a', 1), item('b', 1), item('a', 1)]) queue.add(added);
    assert.equal(queue.size, 2);
    assert.deepEqual(drain(queue), ['a', 'b']);
  });

  it('keeps what arrives under a signature that is set aside set aside too', () => {
    const queue = new PendingQueue();
    queue.add(item('a'));
    queue.block('small');
    queue.add(item('b'));
    assert.equal(queue.next(), undefined);
    queue.unblock();
    assert.deepEqual(drain(queue), ['a', 'b']);
  });

  it('hands out each live item once, the most urgent and then the earliest first, under any sequence of operations', () => {
    const key = fc.constantFrom('a', 'b', 'c', 'd', 'e');
    const signature = fc.constantFrom('p', 'q', 'r');
    const small = fc.integer({ min: 0, max: 3 });
    const operation = fc.oneof(
      fc.record({ op: fc.constant('add' as const), key, signature, since: small, priority: small }),
      fc.record({ op: fc.constant('remove' as const), key }),
      fc.record({ op: fc.constant('block' as const), signature }),
      fc.record({ op: fc.constant('unblock' as const) }),
      fc.record({ op: fc.constant('next' as const) }),
    );
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
        const queue = new PendingQueue();
        const live = new Map<string, PendingItem>();
        const blocked = new Set<string>();
        for (const step of operations) {
          if (step.op === 'add') {
            const added = item(step.key, step.since, step.signature, step.priority);
            queue.add(added);
            live.set(step.key, added);
          } else if (step.op === 'remove') {
            queue.remove(step.key);
            live.delete(step.key);
          } else if (step.op === 'block') {
            if ([...live.values()].some((known) => known.signature === step.signature)) {
              queue.block(step.signature);
              blocked.add(step.signature);
            }
          } else if (step.op === 'unblock') {
            queue.unblock();
            blocked.clear();
          }
          if (step.op !== 'next') continue;
          const next = queue.next();
          const open = [...live.values()].filter((known) => !blocked.has(known.signature));
          if (open.length === 0) continue;
          const highest = Math.max(...open.map((known) => known.priority));
          const rivals = open.filter((known) => known.priority === highest);
          assert.equal(next?.priority, highest);
          assert.equal(next.since, Math.min(...rivals.map((known) => known.since)));
        }
        queue.unblock();
        assert.deepEqual(drain(queue).sort(), [...live.keys()].sort());
      }),
    );
  });

  it('costs next to nothing for each item while thousands wait', () => {
    const queue = new PendingQueue();
    for (let i = 0; i < 20_000; i += 1) queue.add(item(`k${i}`, i, 'small', i % 7));
    const started = performance.now();
    for (let i = 0; i < 20_000; i += 1) {
      queue.unblock();
      queue.remove(queue.next()?.key ?? '');
      queue.block('small');
    }
    assert.equal(queue.size, 0);
    assert.ok(performance.now() - started < 5_000, 'a bind must not cost O(pending)');
  });
});

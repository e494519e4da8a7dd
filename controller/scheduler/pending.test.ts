import assert from 'node:assert/strict';
import fc from 'fast-check';

import { PendingQueue } from './pending.ts';
import type { PendingItem } from './pending.ts';

function item(key: string, since = 0, signature = 'small'): PendingItem {
  return { key, since, signature };
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

  it('hands out each live item once, earliest first, under any sequence of operations', () => {
    const key = fc.constantFrom('a', 'b', 'c', 'd', 'e');
    const signature = fc.constantFrom('p', 'q', 'r');
    const operation = fc.oneof(
      fc.record({ op: fc.constant('add' as const), key, signature, since: fc.integer({ min: 0, max: 3 }) }),
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
            const added = item(step.key, step.since, step.signature);
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
          assert.equal(next?.since, Math.min(...open.map((known) => known.since)));
        }
        queue.unblock();
        assert.deepEqual(drain(queue).sort(), [...live.keys()].sort());
      }),
    );
  });

  it('costs next to nothing for each item while thousands wait', () => {
    const queue = new PendingQueue();
    for (let i = 0; i < 20_000; i += 1) queue.add(item(`k${i}`, i));
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

import assert from 'node:assert/strict';

import { FakeClock, settle } from '#controller/kube/testing/fake-clock.ts';
import { AdmissionQueue } from './admission.ts';
import type { Admission, CrowdLimits, Slot, TemplateLimits } from './types.ts';

const LIMITS: TemplateLimits = { maxConcurrent: 2, maxQueued: 3, queueTimeoutMs: 5_000 };
const TOTAL: CrowdLimits = { maxConcurrent: 100, maxQueued: 100, queueTimeoutMs: 60_000 };

interface Visit {
  readonly leave: () => void;
  /** Undefined while it waits. */
  readonly answer: () => Admission | undefined;
  readonly slot: () => Slot;
}

function createScene(total: Partial<CrowdLimits> = {}, random = 0) {
  const clock = new FakeClock();
  const queue = new AdmissionQueue({ clock, random: () => random, total: { ...TOTAL, ...total } });
  const order: string[] = [];
  const visit = (
    name: string,
    { namespace = 'ns', template = 't', client = name, limits = LIMITS, signal = new AbortController() } = {},
  ): Visit => {
    let answer: Admission | undefined;
    void queue.admit({ namespace, template, client, limits }, signal.signal).then((given) => {
      answer = given;
      order.push(`${name} ${given.kind === 'refused' ? given.reason : given.kind}`);
    });
    return {
      leave: () => signal.abort(),
      answer: () => answer,
      slot: () => {
        assert.ok(answer?.kind === 'admitted', `${name}: ${answer?.kind ?? 'waits'}`);
        return answer.slot;
      },
    };
  };
  const visits = (names: string, options = {}) => Array.from(names, (name) => visit(name, options));
  const told = async () => {
    await settle();
    return order.splice(0);
  };
  return { clock, queue, visit, visits, told };
}

const retryAfter = (visit: Visit | undefined): number => {
  const answer = visit?.answer();
  assert.ok(answer?.kind === 'refused');
  return answer.retryAfterSeconds;
};

describe('AdmissionQueue', () => {
  it('gives slots while there are some, queues while there is room, and refuses the rest at once', async () => {
    const { visits, told, queue } = createScene();
    visits('abcdefg');
    assert.deepEqual(await told(), ['a admitted', 'b admitted', 'f QueueFull', 'g QueueFull']);
    assert.deepEqual(queue.loadOf('ns', 't'), { waiting: 3, held: 2 });
    assert.deepEqual(queue.load, { waiting: 3, held: 2 });
  });

  it('first come, first served; a slot given back twice is one slot', async () => {
    const { visits, told, clock } = createScene();
    const [a, , c] = visits('abcd');
    await told();
    await clock.advance(250);
    a?.slot().release();
    a?.slot().release();
    assert.deepEqual(await told(), ['c admitted']);
    assert.equal(c?.slot().waitedMs, 250);
  });

  it('who leaves while waiting frees its place at once, and never gets a slot', async () => {
    const { visits, visit, told } = createScene();
    const [a, b, c] = visits('abcde');
    c?.leave();
    visit('f');
    assert.deepEqual(await told(), ['a admitted', 'b admitted', 'c left']);
    for (const held of [a, b]) held?.slot().release();
    assert.deepEqual(await told(), ['d admitted', 'e admitted']);
  });

  it('who left before asking is not counted; leaving with a slot keeps the slot', async () => {
    const { visit, told, queue } = createScene();
    const gone = new AbortController();
    gone.abort();
    visit('a', { signal: gone });
    const b = visit('b');
    await told();
    b.leave();
    assert.deepEqual(queue.load, { waiting: 0, held: 1 });
  });

  it('whoever has waited for the time-out is refused, each at its own time, by one timer', async () => {
    const { visits, visit, told, clock } = createScene();
    visits('abc');
    await clock.advance(3_000);
    visit('d');
    assert.equal(clock.pending, 1);
    await clock.advance(1_999);
    assert.deepEqual(await told(), ['a admitted', 'b admitted']);
    await clock.advance(1);
    assert.deepEqual(await told(), ['c QueueTimeout']);
    await clock.advance(3_000);
    assert.deepEqual(await told(), ['d QueueTimeout']);
    assert.equal(clock.pending, 0);
  });

  it('namespaces take turns, and within each its templates, however long the queue of one is', async () => {
    const { visits, visit, told } = createScene({ maxConcurrent: 1 });
    const limits = { ...LIMITS, maxQueued: 100 };
    let held = visit('0', { limits });
    const waiting = new Map([
      ...visits('abc', { namespace: 'one', limits }).map((each, index) => ['abc'[index] ?? '', each] as const),
      ...visits('de', { namespace: 'one', template: 'other', limits }).map((e, i) => ['de'[i] ?? '', e] as const),
      ...visits('fg', { namespace: 'two', limits }).map((each, index) => ['fg'[index] ?? '', each] as const),
    ]);
    await told();
    const order: string[] = [];
    for (let served = 0; served < 7; served += 1) {
      held.slot().release();
      const [next = ''] = (await told()).map((line) => line.slice(0, 1));
      order.push(next);
      held = waiting.get(next) ?? held;
    }
    assert.equal(order.join(''), 'afdgbec');
  });

  it('a client has at most maxPerClient requests, waiting or served, of a template', async () => {
    const { visit, told } = createScene();
    const limits = { ...LIMITS, maxConcurrent: 1, maxPerClient: 2 };
    const [a] = ['a', 'b', 'c'].map((name) => visit(name, { client: 'x', limits }));
    visit('d', { client: 'y', limits });
    assert.deepEqual(await told(), ['a admitted', 'c ClientLimit']);
    a?.slot().release();
    visit('e', { client: 'x', limits });
    visit('f', { client: 'x', limits });
    assert.deepEqual(await told(), ['b admitted', 'f ClientLimit']);
  });

  it('all templates together have at most what the replica may', async () => {
    const { visits, told } = createScene({ maxConcurrent: 3, maxQueued: 2 });
    visits('ab');
    visits('cdefg', { template: 'other' });
    assert.deepEqual(await told(), ['a admitted', 'b admitted', 'c admitted', 'f IngressFull', 'g IngressFull']);
  });

  it('several replicas share the limits, rounded up; one that ends leaves its share to the others', async () => {
    const { visits, told, queue } = createScene();
    const limits = { ...LIMITS, maxConcurrent: 5, maxQueued: 4 };
    queue.replicasChanged(3);
    visits('abcdef', { limits });
    assert.deepEqual(await told(), ['a admitted', 'b admitted', 'e QueueFull', 'f QueueFull']);
    queue.replicasChanged(2);
    assert.deepEqual(await told(), ['c admitted']);
    queue.replicasChanged(4);
    assert.deepEqual(await told(), []);
    queue.replicasChanged(1);
    assert.deepEqual(await told(), ['d admitted']);
  });

  it('an edited template’s limits count at once: a higher one serves who waits, a lower one takes nothing away', async () => {
    const { visits, visit, told, queue, clock } = createScene();
    visits('abcde');
    await told();
    queue.limitsChanged('ns', 't', { ...LIMITS, maxConcurrent: 3 });
    assert.deepEqual(await told(), ['c admitted']);
    visit('f', { limits: { ...LIMITS, maxConcurrent: 4, maxQueued: 1 } });
    assert.deepEqual(await told(), ['d admitted', 'f QueueFull']);
    queue.limitsChanged('ns', 't', { ...LIMITS, maxConcurrent: 1, queueTimeoutMs: 1_000 });
    assert.deepEqual(queue.load, { waiting: 1, held: 4 });
    await clock.advance(1_000);
    assert.deepEqual(await told(), ['e QueueTimeout']);
  });
});

describe('Retry-After', () => {
  it('while nobody was served yet: the queue’s time-out, and as long again for all slots’ worth that is sent away', async () => {
    const { visits, told } = createScene();
    const many = visits('abcdefghijklm');
    await told();
    assert.deepEqual(many.slice(5).map(retryAfter), [5, 8, 10, 13, 15, 18, 20, 23]);
  });

  it('by how many slots come back in a second', async () => {
    const { visits, visit, told, clock } = createScene();
    let [a, b] = visits('ab');
    // Two slots, each held for 500 ms: four a second.
    for (let turn = 0; turn < 40; turn += 1) {
      await clock.advance(500);
      a?.slot().release();
      b?.slot().release();
      [a, b] = visits('ab');
    }
    visits('cde');
    const refused = Array.from({ length: 9 }, () => visit('x'));
    await told();
    // (3 + 1) / 4, and a quarter of a second for each one before.
    assert.deepEqual(refused.map(retryAfter), [1, 2, 2, 2, 2, 3, 3, 3, 3]);
  });

  it('a pause changes nothing of the rate', async () => {
    const { visits, visit, told, clock } = createScene();
    const [a, b] = visits('ab');
    await clock.advance(1_000);
    for (const held of [a, b]) held?.slot().release();
    await clock.advance(600_000);
    visits('abcde');
    const refused = visit('x');
    await told();
    assert.equal(retryAfter(refused), 2);
  });

  it('chance adds up to half of it, whole seconds; it is at least 1 and at most 60 before that', async () => {
    for (const [random, shortest, longest] of [
      [0, 5, 60],
      [0.999, 7, 90],
    ] as const) {
      const { visits, visit, told } = createScene({}, random);
      visits('abcde');
      const refused = Array.from({ length: 400 }, () => visit('x'));
      await told();
      assert.equal(retryAfter(refused[0]), shortest);
      assert.equal(retryAfter(refused.at(-1)), longest);
    }
  });

  it('those who were sent away count no more once their time has come', async () => {
    const { visits, visit, told, clock } = createScene();
    const limits = { ...LIMITS, queueTimeoutMs: 50_000 };
    visits('abcde', { limits });
    for (let sent = 0; sent < 100; sent += 1) visit('x', { limits });
    await clock.advance(49_000);
    await clock.advance(93_000);
    visits('fgh', { limits });
    const refused = visit('x', { limits });
    await told();
    assert.equal(retryAfter(refused), 50);
  });

  it('for one who had a slot but no host: as for one who would be last in the queue, who sends nobody away', async () => {
    const { queue, visits, told } = createScene();
    assert.equal(queue.retryAfter('ns', 't'), 1);
    visits('ab');
    await told();
    // 4 in 5 seconds, while nobody was served yet.
    assert.equal(queue.retryAfter('ns', 't'), 2);
    visits('cde');
    await told();
    assert.equal(queue.retryAfter('ns', 't'), 5);
    assert.equal(queue.retryAfter('ns', 't'), 5);
  });

  it('a client over its limit makes nobody else come later', async () => {
    const { visits, visit, told } = createScene();
    const limits = { ...LIMITS, maxPerClient: 1 };
    visits('abcde', { limits });
    for (let sent = 0; sent < 100; sent += 1) visit('x', { client: 'a', limits });
    const refused = visit('y', { limits });
    await told();
    assert.equal(retryAfter(refused), 5);
  });
});

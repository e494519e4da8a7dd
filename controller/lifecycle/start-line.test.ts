import assert from 'node:assert/strict';
import fc from 'fast-check';

import { Gate } from './gate.ts';
import { StartLine } from './start-line.ts';

/** Who is let in after those of `given` came in this order while the gate's one place was taken; PRIORITY/NAMESPACE/TEMPLATE. */
const letIn = async (given: readonly string[]): Promise<readonly string[]> => {
  const gate = new Gate(1, new StartLine(1, () => 0));
  const leave = await gate.enter({ priority: 0, namespace: 'first', template: '' });
  const order: string[] = [];
  const all = given.map(async (who) => {
    const [priority, namespace = '', template = ''] = who.split('/');
    const out = await gate.enter({ priority: Number(priority), namespace, template });
    order.push(who);
    out();
  });
  assert.equal(gate.waiting, given.length);
  leave();
  await Promise.all(all);
  assert.deepEqual([gate.inside, gate.waiting], [0, 0]);
  return order;
};

describe('the starts that wait for a host', () => {
  const cases: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    [
      'the higher priority first',
      ['0/a/x', '1000/a/x', '-5/a/x', '1000/b/x'],
      ['1000/a/x', '1000/b/x', '0/a/x', '-5/a/x'],
    ],
    [
      'templates of a namespace in turns',
      ['0/a/x', '0/a/x', '0/a/x', '0/a/y', '0/a/'],
      ['0/a/x', '0/a/y', '0/a/', '0/a/x', '0/a/x'],
    ],
    [
      'namespaces in turns, however many templates one has',
      ['0/a/x', '0/a/y', '0/a/z', '0/b/x', '0/b/x'],
      ['0/a/x', '0/b/x', '0/a/y', '0/b/x', '0/a/z'],
    ],
    [
      'within a namespace in turns of its own',
      ['0/a/x', '0/a/x', '0/a/x', '0/b/x', '0/b/x', '0/b/x', '0/a/y'],
      ['0/a/x', '0/b/x', '0/a/y', '0/b/x', '0/a/x', '0/b/x', '0/a/x'],
    ],
  ];
  for (const [what, given, expected] of cases) {
    it(`have their turn: ${what}`, async () => assert.deepEqual(await letIn(given), expected));
  }
});

/** A host with four places for starts; WHO is PRIORITY/NAMESPACE/TEMPLATE, `under` tells how many of each are under way. */
const createHost = () => {
  let now = 0;
  const gate = new Gate(4, new StartLine(4, () => now));
  const ways = new Map<string, (() => void)[]>();
  const settle = () => new Promise(setImmediate);
  return {
    gate,
    come: async (who: string, count = 1): Promise<void> => {
      const [priority, namespace = '', template = ''] = who.split('/');
      for (let one = 0; one < count; one += 1) {
        void gate.enter({ priority: Number(priority), namespace, template }).then((out) => {
          ways.set(who, [...(ways.get(who) ?? []), out]);
        });
      }
      await settle();
    },
    /** One of them is over; false where none is under way. */
    end: async (who: string): Promise<boolean> => {
      const out = ways.get(who)?.shift();
      out?.();
      await settle();
      return out !== undefined;
    },
    under: () => Object.fromEntries([...ways].map(([who, outs]) => [who, outs.length])),
    pass: (ms: number) => (now += ms),
  };
};

describe('a crowd of starts', () => {
  it('has all places while it is alone', async () => {
    const { come, under } = createHost();
    await come('0/a/crowd', 9);
    assert.deepEqual(under(), { '0/a/crowd': 4 });
  });

  it('has a quarter of them while a template with fewer is about, and all again two seconds after that', async () => {
    const { come, end, under, pass } = createHost();
    await come('0/a/crowd', 12);
    await come('0/a/lone');
    await end('0/a/crowd');
    assert.deepEqual(under(), { '0/a/crowd': 3, '0/a/lone': 1 });
    for (let ended = 0; ended < 2; ended += 1) await end('0/a/crowd');
    assert.deepEqual(under(), { '0/a/crowd': 1, '0/a/lone': 1 });
    await come('0/a/lone');
    assert.deepEqual(under(), { '0/a/crowd': 1, '0/a/lone': 2 });
    await end('0/a/lone');
    await end('0/a/lone');
    await end('0/a/crowd');
    assert.deepEqual(under(), { '0/a/crowd': 1, '0/a/lone': 0 });
    pass(2_001);
    await end('0/a/crowd');
    assert.deepEqual(under(), { '0/a/crowd': 4, '0/a/lone': 0 });
  });

  it('leaves no place empty where another crowd could use it', async () => {
    const { come, end, under } = createHost();
    await come('0/a/one', 20);
    await come('0/b/other', 20);
    for (let ended = 0; ended < 12; ended += 1) {
      const { '0/a/one': one = 0, '0/b/other': other = 0 } = under();
      assert.equal(one + other, 4);
      await end(one > other ? '0/a/one' : '0/b/other');
    }
  });

  it('is more than half of the places: fewer are not held back', async () => {
    const { come, under } = createHost();
    await come('0/a/lone');
    await come('0/a/few', 2);
    assert.deepEqual(under(), { '0/a/lone': 1, '0/a/few': 2 });
  });

  it('is not held back for what is less urgent', async () => {
    const { come, end, under } = createHost();
    await come('0/a/lone');
    await come('10/a/crowd', 9);
    await end('0/a/lone');
    assert.deepEqual(under(), { '0/a/lone': 0, '10/a/crowd': 4 });
  });

  it('comes to its end, and never has more places than there are, under any sequence of comings and ends', async () => {
    const who = fc.constantFrom('0/a/x', '0/a/y', '0/b/x', '5/b/x');
    const step = fc.oneof(
      fc.record({ kind: fc.constant('come' as const), who, count: fc.integer({ min: 1, max: 6 }) }),
      fc.record({ kind: fc.constant('end' as const), who }),
      fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 3_000 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const host = createHost();
        for (const one of steps) {
          if (one.kind === 'come') await host.come(one.who, one.count);
          else if (one.kind === 'end') await host.end(one.who);
          else host.pass(one.ms);
          assert.ok(host.gate.inside <= 4 && (host.gate.waiting === 0 || host.gate.inside > 0));
        }
        while (host.gate.inside > 0) for (const one of Object.keys(host.under())) await host.end(one);
        assert.equal(host.gate.waiting, 0);
      }),
    );
  });
});

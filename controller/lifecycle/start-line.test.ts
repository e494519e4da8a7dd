import assert from 'node:assert/strict';

import { Gate } from './gate.ts';
import { StartLine } from './start-line.ts';

/** Who is let in after those of `given` came in this order while the gate's one place was taken; PRIORITY/NAMESPACE/TEMPLATE. */
const letIn = async (given: readonly string[]): Promise<readonly string[]> => {
  const gate = new Gate(1, new StartLine());
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

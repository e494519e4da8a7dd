import assert from 'node:assert/strict';
import fc from 'fast-check';

import { Turns } from './turns.ts';

const drained = <T>(turns: Turns<T>): readonly T[] => {
  const items: T[] = [];
  for (let item = turns.pop(); item !== undefined; item = turns.pop()) items.push(item);
  return items;
};

describe('turns', () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ['first come first served within one flow', 'a1 a2 a3', 'a1 a2 a3'],
    ['one of each flow a round, whoever has more', 'a1 a2 a3 a4 b1 b2 c1', 'a1 b1 c1 a2 b2 a3 a4'],
    ['flows in the order in which they came', 'b1 a1 b2 a2', 'b1 a1 b2 a2'],
  ];
  for (const [what, given, expected] of cases) {
    it(`are ${what}`, () => {
      const turns = new Turns<string>();
      for (const item of given.split(' ')) turns.push(item.charAt(0), item);
      assert.equal(drained(turns).join(' '), expected);
    });
  }

  it('come first to who comes alone while a crowd is being served, and then to the crowd', () => {
    const turns = new Turns<string>();
    for (const item of ['a1', 'a2', 'a3', 'a4', 'a5']) turns.push('a', item);
    const before = [turns.pop(), turns.pop()];
    turns.push('b', 'b1');
    turns.push('b', 'b2');
    assert.deepEqual([...before, ...drained(turns)], ['a1', 'a2', 'b1', 'a3', 'a4', 'b2', 'a5']);
  });

  it('are no more for a flow that was empty for a while', () => {
    const turns = new Turns<string>();
    for (const item of ['a1', 'a2', 'a3']) turns.push('a', item);
    const before = drained(turns);
    for (const item of ['b1', 'b2', 'b3', 'b4']) turns.push(item.charAt(0), item);
    turns.push('a', 'a4');
    assert.deepEqual([...before, ...drained(turns)], ['a1', 'a2', 'a3', 'b1', 'a4', 'b2', 'b3', 'b4']);
  });

  it('let no flow that waits be passed more than twice by another, under any sequence of comings and turns', () => {
    const step = fc.option(fc.constantFrom('a', 'b', 'c'), { nil: undefined });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const turns = new Turns<string>();
        const waiting = new Map<string, number>();
        /** Turns of another flow since a flow that waits had one. */
        const passed = new Map<string, number>();
        for (const flow of steps) {
          if (flow !== undefined) {
            turns.push(flow, flow);
            waiting.set(flow, (waiting.get(flow) ?? 0) + 1);
            continue;
          }
          const served = turns.pop();
          if (served === undefined) continue;
          waiting.set(served, (waiting.get(served) ?? 0) - 1);
          for (const other of ['a', 'b', 'c']) {
            const pair = `${other} by ${served}`;
            if (other === served) for (const by of ['a', 'b', 'c']) passed.delete(`${served} by ${by}`);
            else if ((waiting.get(other) ?? 0) > 0) passed.set(pair, (passed.get(pair) ?? 0) + 1);
            else passed.delete(pair);
            assert.ok((passed.get(pair) ?? 0) <= 2, `${pair}: ${passed.get(pair)}`);
          }
        }
        assert.equal(
          turns.size,
          [...waiting.values()].reduce((sum, count) => sum + count, 0),
        );
      }),
    );
  });
});

import assert from 'node:assert/strict';

import { Allowance } from './allowance.ts';

describe('Allowance', () => {
  it('lets so many through, then one with each pause, and tells how many it held back', () => {
    let now = 0;
    const allowance = new Allowance(2, 1_000, () => now);
    assert.deepEqual(
      [allowance.take(), allowance.take(), allowance.take(), allowance.take()],
      [0, 0, undefined, undefined],
    );
    now = 999;
    assert.equal(allowance.take(), undefined);
    now = 1_000;
    assert.deepEqual([allowance.take(), allowance.take()], [3, undefined]);
    now = 3_600_000;
    assert.deepEqual([allowance.take(), allowance.take(), allowance.take()], [1, 0, undefined]);
  });
});

import assert from 'node:assert/strict';
import fc from 'fast-check';

import { backoffMs } from './backoff.ts';

const backoff = { minMs: 10, maxMs: 5_000 };

describe('the back-off between tries to connect', () => {
  it('grows from its least to its most', () => {
    const waits = Array.from({ length: 30 }, (_, failures) => backoffMs(backoff, failures, () => 0.999_999));
    assert.equal(Math.round(waits[0] ?? NaN), 10);
    assert.equal(Math.round(waits[29] ?? NaN), 5_000);
    assert.ok(waits.every((wait, i) => i === 0 || wait >= (waits[i - 1] ?? NaN)));
  });

  it('is drawn from the upper half of its step, for any number of failures', () => {
    const draw = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(fc.nat(), draw, (failures, drawn) => {
        const most = backoffMs(backoff, failures, () => 1);
        const wait = backoffMs(backoff, failures, () => drawn);
        assert.ok(wait >= most / 2 && wait <= most && most <= 5_000);
      }),
    );
  });
});

import assert from 'node:assert/strict';

import { quantityKiB } from './quantity.ts';

describe('quantityKiB', () => {
  it('rounds up to a whole KiB', () => {
    assert.equal(quantityKiB('64Mi'), 65_536);
    assert.equal(quantityKiB('1025'), 2);
    assert.equal(quantityKiB('lots'), undefined);
  });
});

import assert from 'node:assert/strict';

import { createRandomHex } from './random-hex.ts';

describe('random hex', () => {
  it('gives so many bytes, and none twice, also over the end of what was drawn at once', () => {
    const drawn: Buffer[] = [];
    const randomHex = createRandomHex((bytes) => {
      drawn.push(Buffer.alloc(bytes, drawn.length + 1));
      return drawn.at(-1) ?? assert.fail();
    });
    const given = Array.from({ length: 300 }, () => randomHex(16));
    assert.ok(given.every((text) => /^[0-9a-f]{32}$/.test(text)));
    assert.deepEqual([drawn.length, new Set(given).size], [2, 2]);
    assert.equal(given.filter((text) => text === '01'.repeat(16)).length, 256);
  });

  it('gives more than it draws at a time where that is asked for', () => {
    assert.equal(createRandomHex()(10_000).length, 20_000);
  });

  it('is random', () => {
    const randomHex = createRandomHex();
    assert.equal(new Set(Array.from({ length: 2_000 }, () => randomHex(8))).size, 2_000);
  });
});

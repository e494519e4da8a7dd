import assert from 'node:assert/strict';
import fc from 'fast-check';
import { hostNetwork, MAX_HOST_INDEX, preferredBlock } from './bed.ts';

describe('hostNetwork', () => {
  it('plans the addresses of a host', () => {
    assert.deepEqual(hostNetwork({ block: 2 }, 3), {
      prefix: '198.18.35.0/24',
      rootAddress: '198.18.35.1',
      hostAddress: '198.18.35.2',
      managementCIDR: '198.18.35.16/28',
      domainCIDR: '198.18.35.128/25',
      gateway: '198.18.35.129',
    });
  });

  it('gives no two hosts of a machine the same prefix, and stays within 198.18.0.0/16', () => {
    const prefixes = new Set<string>();
    for (let block = 0; block < 16; block += 1) {
      for (let index = 1; index <= MAX_HOST_INDEX; index += 1) prefixes.add(hostNetwork({ block }, index).prefix);
    }
    assert.equal(prefixes.size, 16 * MAX_HOST_INDEX);
    for (const prefix of prefixes) assert.ok(Number(prefix.split('.')[2]) <= 255);
  });

  for (const index of [0, MAX_HOST_INDEX + 1, 1.5, Number.NaN]) {
    it(`refuses index ${index}`, () => {
      assert.throws(() => hostNetwork({ block: 0 }, index), RangeError);
    });
  }
});

describe('preferredBlock', () => {
  it('is one of the sixteen, whatever the id', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffffff }), (value) => {
        const block = preferredBlock(value.toString(16).padStart(6, '0'));
        assert.ok(Number.isInteger(block) && block >= 0 && block < 16);
      }),
    );
  });
});

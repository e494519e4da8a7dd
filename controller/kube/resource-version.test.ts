import assert from 'node:assert/strict';
import fc from 'fast-check';
import { compareResourceVersions } from './resource-version.ts';

describe('resource versions', () => {
  it('compare as the numbers they are, however long', () => {
    const version = fc.bigInt({ min: 1n, max: 10n ** 40n });
    fc.assert(
      fc.property(version, version, (a, b) => {
        const expected = a < b ? -1 : a > b ? 1 : 0;
        assert.equal(compareResourceVersions(a.toString(), b.toString()), expected);
      }),
    );
  });
});

import assert from 'node:assert/strict';

import fc from 'fast-check';

import { formatBytes, parseBytes, parseQuantity } from './quantity.ts';

describe('parseQuantity', () => {
  const cases: readonly (readonly [string | number, bigint])[] = [
    [0, 0n],
    [64, 64n],
    [-1, -1n],
    ['0', 0n],
    ['+5', 5n],
    ['64Ki', 65_536n],
    ['64Mi', 67_108_864n],
    ['1Gi', 1_073_741_824n],
    ['16Ti', 17_592_186_044_416n],
    ['1Pi', 1_125_899_906_842_624n],
    ['1Ei', 1_152_921_504_606_846_976n],
    ['1k', 1_000n],
    ['1500M', 1_500_000_000n],
    ['2G', 2_000_000_000n],
    ['3T', 3_000_000_000_000n],
    ['4P', 4_000_000_000_000_000n],
    ['5E', 5_000_000_000_000_000_000n],
    ['1.5Gi', 1_610_612_736n],
    ['.5Ki', 512n],
    ['1.', 1n],
    ['1e3', 1_000n],
    ['1.5E3', 1_500n],
    ['2e-1', 1n],
    ['100m', 1n],
    ['1001m', 2n],
    ['-1500m', -1n],
    ['1u', 1n],
    ['1n', 1n],
    ['0.1Ki', 103n],
    ['-5Mi', -5_242_880n],
  ];
  for (const [text, value] of cases) {
    it(`reads ${JSON.stringify(text)} as ${value}`, () => {
      assert.equal(parseQuantity(text), value);
    });
  }

  const refused = ['', ' ', 'lots', '64MB', '64mi', '64 Mi', 'Mi', '.', '-', '1e', '1e3Mi', '0x10', '1_000', 'NaN'];
  for (const text of [...refused, '1Gi\n', '１Gi', '1e999', '9'.repeat(65), NaN, Infinity]) {
    it(`refuses ${typeof text === 'number' ? text : JSON.stringify(text)}`, () => {
      assert.equal(parseQuantity(text), undefined);
    });
  }

  it('answers any text at once, with a number or with nothing', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...Array.from('0123456789.+-eEKMGTPikmun ')) }), (text) => {
        const value = parseQuantity(text);
        assert.ok(value === undefined || typeof value === 'bigint');
      }),
    );
  });
});

describe('parseBytes', () => {
  it('refuses what a number cannot hold exactly', () => {
    assert.equal(parseBytes('8Pi'), undefined);
    assert.equal(parseBytes('7Pi'), 7 * 2 ** 50);
  });

  it('reads back what formatBytes writes', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (bytes) => {
        assert.equal(parseBytes(formatBytes(bytes)), bytes);
      }),
    );
  });
});

describe('formatBytes', () => {
  const cases: readonly (readonly [number, string])[] = [
    [0, '0'],
    [1, '1'],
    [1000, '1000'],
    [1024, '1Ki'],
    [1536, '1536'],
    [67_108_864, '64Mi'],
    [1_610_612_736, '1536Mi'],
    [2 ** 40, '1Ti'],
    [2 ** 50, '1024Ti'],
  ];
  for (const [bytes, text] of cases) {
    it(`writes ${bytes} as ${text}`, () => {
      assert.equal(formatBytes(bytes), text);
    });
  }
});

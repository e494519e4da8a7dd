import assert from 'node:assert/strict';

import fc from 'fast-check';

import { cleanText, MAX_MESSAGE_BYTES, readExitReport } from './exit-report.ts';

const read = (text: string | Buffer) => readExitReport(Buffer.from(text));

describe('readExitReport', () => {
  const good: readonly (readonly [string | Buffer, number, string])[] = [
    ['0', 0, ''],
    ['0\n', 0, ''],
    ['255\r\nno disk', 255, 'no disk'],
    ['007 \nseven', 7, 'seven'],
    ['3\nfirst\nsecond\tthird\n', 3, 'first second third'],
    ['1\n\u001b[31mred\u001b[0m', 1, '[31mred [0m'],
    ['1\nabc\u202edcb\u2028e', 1, 'abc dcb e'],
    ['1\nKäse 小 👩‍🚀', 1, 'Käse 小 👩‍🚀'],
    [Buffer.from([0x31, 0x0a, 0xff, 0xc3, 0x28]), 1, '��('],
    [`1\n${'x'.repeat(MAX_MESSAGE_BYTES)}`, 1, 'x'.repeat(MAX_MESSAGE_BYTES)],
  ];
  for (const [body, code, message] of good) {
    it(`reads ${JSON.stringify(body.toString('latin1').slice(0, 40))}`, () => {
      assert.deepEqual(read(body), { ok: true, report: { code, message } });
    });
  }

  const bad = ['', '\n0', 'ok', '256', '-1', '1000', '1.5', '3 no disk', '{"code": 3}', '０', `1\n${'x'.repeat(4097)}`];
  for (const body of bad) {
    it(`refuses ${JSON.stringify(body.slice(0, 40))}`, () => assert.equal(read(body).ok, false));
  }

  it('makes of any bytes one line that a terminal and an API server take', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const text = cleanText(Buffer.from(bytes));
        assert.doesNotMatch(text, /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202A-\u202E\u2066-\u2069]/u);
        assert.ok(text.length <= bytes.length);
        assert.equal(text, text.trim());
      }),
    );
  });
});

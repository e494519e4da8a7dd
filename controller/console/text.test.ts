import assert from 'node:assert/strict';

import fc from 'fast-check';

import { consoleTail, ConsoleText } from './text.ts';

const clean = (bytes: Uint8Array): string => {
  const text = new ConsoleText();
  return text.push(bytes) + text.end();
};

const TABLE: readonly (readonly [what: string, written: string | Uint8Array, shown: string])[] = [
  ['plain text', 'hello, wörld ☃ 🐣\n', 'hello, wörld ☃ 🐣\n'],
  ['tabs and line ends', 'a\tb\n\nc', 'a\tb\n\nc'],
  ['colours', '\x1b[1;31mFAILED\x1b[0m ok', 'FAILED ok'],
  ['private sequences', '\x1b[?25l\x1b[2J\x1b[Hx\x1b[>4;2m', 'x'],
  ['a sequence with an intermediate byte', '\x1b[4 qx', 'x'],
  ['a title ended by BEL', '\x1b]0;root@guest\x07# ', '# '],
  ['a title ended by ESC \\', '\x1b]0;root@guest\x1b\\# ', '# '],
  ['a title that nobody ends: no more than its line', '\x1b]0;root\nnext', '\nnext'],
  ['a title that another sequence breaks off', '\x1b]0;root\x1b[1mx', 'x'],
  ['device control, privacy and application strings', '\x1bPq#0\x1b\\a\x1b^x\x1b\\b\x1b_y\x1b\\c\x1bXz\x1b\\', 'abc'],
  ['a choice of character set', '\x1b(B\x1b#8x', 'x'],
  ['single escapes', '\x1b7x\x1b8\x1bc\x1b=', 'x'],
  ['eight-bit sequences', '\u009b31mred\u009d0;t\u009cx\u0085', 'redx'],
  ['a sequence that a character breaks off', '\x1b[31\nx\x1b\ny', '\nx\ny'],
  ['a sequence at the end', 'x\x1b[3', 'x'],
  ['line ends of terminals', 'a\r\nb\r\r\nc', 'a\nb\nc'],
  ['carriage returns alone', '10%\r20%\r', '10%\n20%\n'],
  ['other control characters', 'a\0b\x07c\x08d\x0ce\x7ff\u0080g', 'abcdefg'],
  ['bytes that are no UTF-8', Uint8Array.of(0x61, 0xff, 0x62, 0xc3, 0x28, 0xe2, 0x98), 'a\ufffdb\ufffd(\ufffd'],
];

describe('what a guest wrote on its console, made safe', () => {
  for (const [what, written, shown] of TABLE) {
    it(what, () => {
      assert.equal(clean(typeof written === 'string' ? Buffer.from(written) : written), shown);
    });
  }

  /** Bytes in which that which matters is frequent. */
  const noise = fc
    .array(
      fc.oneof(
        fc.uint8Array({ maxLength: 4 }),
        fc.constantFrom(
          '\x1b',
          '\x1b[',
          '\x1b]',
          '\x1bP',
          '\x1b\\',
          '\x07',
          '\r',
          '\n',
          '\u009b',
          'm',
          '0;',
          '🐣',
          'é',
        ),
      ),
      { maxLength: 40 },
    )
    .map((parts) => Buffer.concat(parts.map((part) => Buffer.from(part as string))));

  it('whatever is written, has no control character but line ends and tabs, and stays as it is when it is cleaned again', () => {
    fc.assert(
      fc.property(noise, (bytes) => {
        const shown = clean(bytes);
        assert.doesNotMatch(shown, /[^\P{Cc}\n\t]/u);
        assert.ok(shown.isWellFormed());
        assert.equal(clean(Buffer.from(shown)), shown);
      }),
    );
  });

  it('is the same in whatever pieces it comes', () => {
    fc.assert(
      fc.property(noise, fc.array(fc.nat(60), { maxLength: 6 }), (bytes, cuts) => {
        const text = new ConsoleText();
        const edges = [0, ...cuts.filter((cut) => cut < bytes.length).toSorted((a, b) => a - b), bytes.length];
        const pieces = edges.slice(1).map((end, index) => text.push(bytes.subarray(edges[index], end)));
        assert.equal(pieces.join('') + text.end(), clean(bytes));
      }),
    );
  });
});

describe('the tail of a console', () => {
  it('is its last bytes, cut at the edge of a character', () => {
    assert.equal(consoleTail(Buffer.from('one☃two'), false, 5), 'two');
    assert.equal(consoleTail(Buffer.from('one☃two'), false, 6), '☃two');
    assert.equal(consoleTail(Buffer.from('☃two').subarray(1), true, 100), 'two');
  });

  it('shows what is no UTF-8 at the beginning of all that was written', () => {
    assert.equal(consoleTail(Buffer.from('☃two').subarray(1), false, 100), '\ufffd\ufffdtwo');
  });

  it('never takes more bytes than it may, and is the end of what is safe', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat(40), (bytes, most) => {
        const tail = consoleTail(bytes, false, most);
        assert.ok(Buffer.byteLength(tail) <= most);
        assert.ok(clean(bytes).endsWith(tail));
        assert.ok(Buffer.byteLength(clean(bytes)) <= most || Buffer.byteLength(tail) > most - 4);
      }),
    );
  });
});

import assert from 'node:assert/strict';
import fc from 'fast-check';

import { MAX_STRING, XdrError, XdrReader, XdrWriter } from './xdr.ts';

const written = (write: (writer: XdrWriter) => void): Buffer => {
  const writer = new XdrWriter();
  write(writer);
  return writer.takeBytes();
};

const reading = (bytes: Buffer): XdrReader => new XdrReader().reset(bytes, 0, bytes.length);

describe('XDR', () => {
  it('reads back every value that it writes', () => {
    const value = fc.record({
      u32: fc.nat(0xffff_ffff),
      i32: fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff }),
      u64: fc.maxSafeNat(),
      i64: fc.maxSafeInteger(),
      text: fc.string({ unit: 'binary', maxLength: 200 }).filter((text) => text.isWellFormed()),
      uuid: fc.uuid(),
      maybe: fc.option(fc.string(), { nil: undefined }),
    });
    fc.assert(
      fc.property(value, (v) => {
        const bytes = written((writer) => {
          writer.u32(v.u32);
          writer.u32(v.i32);
          writer.u64(v.u64);
          writer.i64(v.i64);
          writer.string(v.text);
          writer.uuid(v.uuid);
          writer.nullable(v.maybe, (text) => writer.string(text));
        });
        assert.equal(bytes.length % 4, 0);
        const reader = reading(bytes);
        assert.deepEqual(
          {
            u32: reader.u32(),
            i32: reader.i32(),
            u64: reader.u64(),
            i64: reader.i64(),
            text: reader.string(),
            uuid: reader.uuid(),
            maybe: reader.nullable((r) => r.string()),
          },
          { ...v },
        );
        reader.done();
      }),
    );
  });

  it('lays a string out as length, bytes and padding, whatever stands before it', () => {
    assert.deepEqual(
      written((writer) => writer.string('hé')),
      Buffer.from([0, 0, 0, 3, 0x68, 0xc3, 0xa9, 0]),
    );
    const after = written((writer) => {
      writer.raw(Buffer.from([1, 2, 3]));
      writer.string('a');
    });
    assert.deepEqual(after, Buffer.from([1, 2, 3, 0, 0, 0, 1, 0x61, 0, 0, 0]));
  });

  it('grows beyond its first buffer', () => {
    const long = 'x'.repeat(100_000);
    const bytes = written((writer) => {
      for (let i = 0; i < 5; i++) writer.string(long);
    });
    const reader = reading(bytes);
    for (let i = 0; i < 5; i++) assert.equal(reader.string(), long);
    reader.done();
  });

  it('reads char arrays of four bytes a character', () => {
    const bytes = Buffer.from([0, 0, 0, 0x61, 0, 0, 0, 0x62, 0, 0, 0, 0, 0, 0, 0, 0x63]);
    assert.equal(reading(bytes).chars(4), 'ab');
    assert.throws(() => reading(bytes).chars(5), XdrError);
  });

  const refused: readonly (readonly [string, (reader: XdrReader) => unknown, readonly number[]])[] = [
    ['an int cut short', (r) => r.u32(), [0, 0, 1]],
    ['a 64-bit value cut short', (r) => r.u64(), [0, 0, 0, 1, 0, 0, 0]],
    ['a boolean of neither kind', (r) => r.nullable((s) => s.u32()), [0, 0, 0, 2, 0, 0, 0, 0]],
    ['a string longer than what is there', (r) => r.string(), [0, 0, 0, 9, 1, 2, 3, 4]],
    ['a string without its padding', (r) => r.string(), [0, 0, 0, 1, 0x61]],
    ['a string longer than libvirt allows', (r) => r.string(), [0xff, 0xff, 0xff, 0xff]],
    ['a list longer than what is there', (r) => r.list((s) => s.u32()), [0x40, 0, 0, 0, 0, 0, 0, 1]],
    ['a UUID cut short', (r) => r.uuid(), [1, 2, 3, 4, 5, 6, 7, 8]],
    ['bytes left over', (r) => r.done(), [0]],
  ];
  for (const [what, read, bytes] of refused) {
    it(`refuses ${what}`, () => {
      assert.throws(() => read(reading(Buffer.from(bytes))), XdrError);
    });
  }

  it('refuses to write what does not fit', () => {
    const writer = new XdrWriter();
    for (const value of [1.5, NaN, 0x1_0000_0000, -0x8000_0001]) assert.throws(() => writer.u32(value), XdrError);
    for (const value of [-1, 2 ** 53, 0.5]) assert.throws(() => writer.u64(value), XdrError);
    assert.throws(() => writer.i64(2 ** 53), XdrError);
    assert.throws(() => writer.string('x'.repeat(MAX_STRING + 1)), XdrError);
    assert.throws(() => writer.string('é'.repeat(MAX_STRING / 2 + 1)), XdrError);
    for (const text of ['', 'x', '11111111-2222-4333-8444-55555555555g', '111111112222433384445555555555555555']) {
      assert.throws(() => writer.uuid(text), XdrError, text);
    }
  });
});

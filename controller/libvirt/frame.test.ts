import assert from 'node:assert/strict';
import fc from 'fast-check';

import { FrameSplitter } from './frame.ts';
import { HEADER_BYTES, MAX_FRAME } from './protocol.ts';
import { XdrError } from './xdr.ts';

const framed = (payload: Uint8Array): Buffer => {
  const bytes = Buffer.alloc(HEADER_BYTES + payload.length);
  bytes.writeUInt32BE(bytes.length);
  bytes.set(payload, HEADER_BYTES);
  return bytes;
};

/** Cuts bytes at these places, taken modulo what there is. */
const cut = (bytes: Buffer, sizes: readonly number[]): readonly Buffer[] => {
  const chunks: Buffer[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    chunks.push(Buffer.from(bytes.subarray(at, at + size)));
    at += size;
  }
  return chunks;
};

describe('the frame splitter', () => {
  it('hands on the same messages however the bytes are cut', () => {
    const payloads = fc.array(fc.uint8Array({ maxLength: 9000 }), { minLength: 1, maxLength: 8 });
    const sizes = fc.array(fc.integer({ min: 1, max: 6000 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(payloads, sizes, (sent, cuts) => {
        const frames = sent.map(framed);
        const got: Buffer[] = [];
        const splitter = new FrameSplitter((bytes, start, end) => got.push(Buffer.from(bytes.subarray(start, end))));
        for (const chunk of cut(Buffer.concat(frames), cuts)) {
          splitter.push(chunk);
          chunk.fill(0xff);
        }
        assert.deepEqual(got, frames);
      }),
    );
  });

  it('holds no more than twice what came, whatever length a message claims', () => {
    const splitter = new FrameSplitter(() => assert.fail('nothing is whole'));
    const head = Buffer.alloc(4);
    head.writeUInt32BE(MAX_FRAME);
    splitter.push(head);
    let came = head.length;
    for (let i = 0; i < 300; i++) {
      splitter.push(Buffer.alloc(1000));
      came += 1000;
      assert.ok(splitter.capacity <= Math.max(8192, came * 2), `${splitter.capacity} for ${came}`);
    }
  });

  it('gives the memory of a long message back', () => {
    let messages = 0;
    const splitter = new FrameSplitter(() => messages++);
    const long = framed(Buffer.alloc(1_000_000));
    splitter.push(long.subarray(0, 500_000));
    splitter.push(long.subarray(500_000));
    assert.equal(messages, 1);
    assert.ok(splitter.capacity <= 4096);
  });

  for (const length of [0, 3, 4, HEADER_BYTES - 1, MAX_FRAME + 1, 0xffff_ffff]) {
    it(`refuses a message that claims ${length} bytes, in one piece or byte by byte`, () => {
      const head = Buffer.alloc(HEADER_BYTES);
      head.writeUInt32BE(length);
      assert.throws(() => new FrameSplitter(() => undefined).push(head), XdrError);
      const slow = new FrameSplitter(() => undefined);
      assert.throws(() => {
        for (const byte of head) slow.push(Buffer.from([byte]));
      }, XdrError);
    });
  }

  it('hands on nothing more once it is stopped, not even of the chunk under way', () => {
    let messages = 0;
    const splitter = new FrameSplitter(() => {
      messages++;
      splitter.stop();
    });
    splitter.push(Buffer.concat([framed(Buffer.alloc(4)), framed(Buffer.alloc(4))]));
    splitter.push(framed(Buffer.alloc(4)));
    assert.equal(messages, 1);
  });
});

import assert from 'node:assert/strict';
import fc from 'fast-check';

import { countFrom } from '#test/support/random.ts';
import { Connection } from './connection.ts';
import { LibvirtError } from './errors.ts';
import { readEvent } from './events.ts';
import { HEADER_BYTES, Node, PROGRAM_REMOTE } from './protocol.ts';
import { FakeClock } from './testing/clock.ts';
import { FakeTransport } from './testing/transport.ts';
import { readDomain, readError, readListOf, readPool, readString, readVolume } from './wire.ts';
import { XdrError, XdrReader } from './xdr.ts';

/** HATCHERY_FUZZ_RUNS says how many inputs each part is fed with. */
const RUNS = countFrom('HATCHERY_FUZZ_RUNS', 2_000);
/** So many were measured to take some seconds on a busy machine. */
const RUNS_A_SECOND = 300;

const bytes = fc.uint8Array({ maxLength: 600 }).map((array) => Buffer.from(array));

/** Bytes as a payload could be: small lengths and counts, so that the decoders get further than the first word. */
const words = fc
  .array(fc.oneof(fc.nat(8), fc.constant(0), fc.nat(0xffff_ffff)), { maxLength: 80 })
  .map((values) => Buffer.from(values.flatMap((value) => [value >>> 24, value >>> 16, value >>> 8, value])));

const payload = fc.oneof(bytes, words);

const decoders: Readonly<Record<string, (reader: XdrReader) => unknown>> = {
  domain: readDomain,
  domains: readListOf(readDomain),
  pools: readListOf(readPool),
  volume: readVolume,
  text: readString,
  error: readError,
  'lifecycle event': (reader) => readEvent(318, reader),
  'reboot event': (reader) => readEvent(319, reader),
  'node information': (reader) => [reader.chars(32), reader.u64(), reader.i32(), reader.i64()],
};

/** A frame whose length is right and whose header is often one that means something. */
const frameBytes = fc
  .record({
    program: fc.oneof(fc.constant(PROGRAM_REMOTE), fc.constant(0x6b656570), fc.nat(0xffff_ffff)),
    version: fc.oneof(fc.constant(1), fc.nat(3)),
    procedure: fc.oneof(fc.constantFrom(1, 2, 59, 318, 319), fc.nat(500)),
    type: fc.nat(7),
    serial: fc.nat(6),
    status: fc.nat(3),
    payload,
  })
  .map(({ program, version, procedure, type, serial, status, payload: body }) => {
    const head = Buffer.alloc(HEADER_BYTES);
    [HEADER_BYTES + body.length, program, version, procedure, type, serial, status].forEach((value, index) =>
      head.writeUInt32BE(value, index * 4),
    );
    return Buffer.concat([head, body]);
  });

const chunks = fc.array(fc.oneof({ weight: 4, arbitrary: frameBytes }, { weight: 1, arbitrary: bytes }), {
  maxLength: 12,
});

describe('the decoder, fed with anything', function () {
  this.timeout(20_000 + (RUNS / RUNS_A_SECOND) * 1_000);
  for (const [what, decode] of Object.entries(decoders)) {
    it(`reads a ${what} or says that it is none`, () => {
      fc.assert(
        fc.property(payload, (body) => {
          const reader = new XdrReader().reset(body, 0, body.length);
          try {
            decode(reader);
          } catch (error) {
            assert.ok(error instanceof XdrError, String(error));
          }
          assert.ok(reader.remaining >= 0);
        }),
        { numRuns: RUNS },
      );
    });
  }

  it('neither throws nor leaves a call unsettled, whatever a connection is sent and however it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(chunks, fc.integer({ min: 1, max: 64 }), async (sent, size) => {
        const clock = new FakeClock();
        let lost = 0;
        const connection = new Connection({
          uri: 'test:///fuzz',
          clock,
          maxQueued: 10,
          onEvent: (procedure, reader) => readEvent(procedure, reader),
          onLost: () => lost++,
        });
        connection.attach(new FakeTransport());
        const calls = Array.from({ length: 6 }, () =>
          connection
            .call(Node.getHostname, () => undefined, readString, { timeoutMs: 1_000 })
            .then(
              () => undefined,
              (error: unknown) => assert.ok(error instanceof LibvirtError, String(error)),
            ),
        );
        await Promise.resolve();
        await Promise.resolve();
        const stream = Buffer.concat(sent);
        for (let at = 0; at < stream.length; at += size) connection.onData(stream.subarray(at, at + size));
        connection.fail('closed', 'over');
        await Promise.all(calls);
        assert.equal(lost, 1);
        assert.equal(clock.pending, 0);
      }),
      { numRuns: RUNS },
    );
  });
});

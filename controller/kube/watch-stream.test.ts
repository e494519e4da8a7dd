import assert from 'node:assert/strict';
import fc from 'fast-check';
import { KubeError } from './errors.ts';
import type { StreamReply } from './exchange.ts';
import { thing } from './testing/objects.ts';
import { LineDecoder, watchStream } from './watch-stream.ts';

const SUBJECT = { verb: 'watch', kind: 'Thing', ref: {}, host: 'h' } as const;

function reply(...chunks: readonly string[]): StreamReply {
  const body = (async function* () {
    for (const chunk of chunks) yield await Promise.resolve(Buffer.from(chunk));
  })();
  return { status: 200, headers: {}, body, close: () => undefined };
}

async function read(stream: StreamReply): Promise<{ readonly events: string[]; readonly error: unknown }> {
  const events: string[] = [];
  try {
    for await (const batch of watchStream(SUBJECT, stream)) events.push(...batch.map((event) => event.type));
    return { events, error: undefined };
  } catch (error) {
    return { events, error };
  }
}

describe('lines of a watch', () => {
  it('come out whole, however the stream was cut, characters of several bytes included', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 20 }).map((each) => each.replaceAll('\n', ' '));
    fc.assert(
      fc.property(fc.array(text), fc.array(fc.nat({ max: 7 }), { minLength: 1 }), (lines, cuts) => {
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
        const decoder = new LineDecoder();
        const got: string[] = [];
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const length = (cuts[i % cuts.length] ?? 0) + 1;
          got.push(...decoder.push(bytes.subarray(at, at + length)));
          at += length;
        }
        assert.deepEqual(
          got,
          lines.filter((line) => line !== ''),
        );
        assert.equal(decoder.partial, false);
      }),
    );
  });
});

describe('events of a watch', () => {
  const added = `${JSON.stringify({ type: 'ADDED', object: thing('a', 1) })}\n`;

  it('are read in order, several to a chunk or one over several', async () => {
    const bookmark = `${JSON.stringify({ type: 'BOOKMARK', object: { metadata: { resourceVersion: '9' } } })}\n`;
    const error = `${JSON.stringify({ type: 'ERROR', object: { kind: 'Status', code: 410 } })}\n`;
    const result = await read(reply(added + added.slice(0, 10), added.slice(10), bookmark + error));
    assert.deepEqual(result, { events: ['ADDED', 'ADDED', 'BOOKMARK', 'ERROR'], error: undefined });
  });

  for (const [what, line] of [
    ['no JSON', '{"type":"ADDED",\n'],
    ['no object', '{"type":"ADDED"}\n'],
    ['an object without metadata', '{"type":"ADDED","object":{}}\n'],
    ['a bookmark without a version', '{"type":"BOOKMARK","object":{"metadata":{}}}\n'],
    ['an unknown type', '{"type":"RENAMED","object":{}}\n'],
    ['the end within a line', '{"type":"ADD'],
  ] as const) {
    it(`end in "malformed" on ${what}, after what came before it`, async () => {
      const { events, error } = await read(reply(added + line));
      assert.deepEqual(events, ['ADDED']);
      assert.ok(error instanceof KubeError);
      assert.equal(error.kind, 'malformed');
    });
  }
});

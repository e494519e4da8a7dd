import { constants } from 'node:http2';
import type { OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2';

import { eitherOf } from '../either.ts';
import type { Answer, AnswerState, FlatHeaders } from '../exchange.ts';
import { fieldsOf } from '../head/fields.ts';

export interface Http2 {
  readonly stream: ServerHttp2Stream;
  readonly method: string;
  readonly bodyIsWhole: () => boolean;
}

/** The answer of an HTTP/2 stream. */
export const answerOver2 = ({ stream, method, bodyIsWhole }: Http2): Answer => {
  let state: AnswerState = 'open';
  let last: FlatHeaders = [];
  let isBodyless = false;
  const isDead = () => stream.destroyed || stream.closed;
  stream.once('close', () => {
    if (state !== 'whole') state = 'broken';
  });
  stream.once('wantTrailers', () => stream.sendTrailers(headersOf(last)));

  const begin = (status: number, headers: FlatHeaders, length: number | undefined): void => {
    if (state !== 'open' || isDead()) return;
    state = 'begun';
    isBodyless = method === 'HEAD' || status === 204 || status === 304;
    const framing = length === undefined ? {} : { 'content-length': length };
    const options = isBodyless ? { endStream: true } : { waitForTrailers: true };
    stream.respond({ ...headersOf(headers), ...framing, ':status': status }, options);
  };
  const end = async (trailers: FlatHeaders = []): Promise<void> => {
    if (state !== 'begun' || isDead()) return;
    state = 'whole';
    last = trailers;
    if (!isBodyless) {
      const done = eitherOf(stream, 'finish', 'close');
      stream.end();
      await done;
    }
    // The visitor may stop sending what nobody reads: https://www.rfc-editor.org/rfc/rfc9113#section-8.1
    if (!bodyIsWhole() && !isDead()) stream.close(constants.NGHTTP2_NO_ERROR);
  };
  return {
    get state() {
      return state;
    },
    get pending() {
      return stream.writableLength;
    },
    goOn: () => {
      if (state === 'open' && !isDead()) stream.additionalHeaders({ ':status': 100 });
    },
    inform: (status, headers) => {
      if (state === 'open' && !isDead()) stream.additionalHeaders({ ...headersOf(headers), ':status': status });
    },
    begin,
    write: (chunk) => (state === 'begun' && !isDead() && !isBodyless ? stream.write(chunk) : true),
    drained: () => {
      const isFull = state === 'begun' && !isDead() && stream.writableNeedDrain;
      return isFull ? eitherOf(stream, 'drain', 'close') : Promise.resolve();
    },
    end,
    whole: ({ status, headers, body }) => {
      begin(status, headers, Buffer.byteLength(body));
      if (state === 'begun' && !isDead() && !isBodyless) stream.write(body);
      return end();
    },
    cut: () => {
      if (state !== 'whole') state = 'broken';
      if (!stream.destroyed) stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    },
  };
};

/** Fields that came more than once are joined, which means the same (RFC 9110, 5.3), but for Set-Cookie. */
const headersOf = (flat: FlatHeaders): OutgoingHttpHeaders => {
  const headers: Record<string, string | string[]> = {};
  for (const { key, value } of fieldsOf(flat)) {
    const before = headers[key];
    if (key === 'set-cookie') headers[key] = [...(Array.isArray(before) ? before : []), value];
    else headers[key] = typeof before === 'string' ? `${before}, ${value}` : value;
  }
  return headers;
};

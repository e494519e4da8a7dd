/**
 * A visitor over HTTP/2 that sends what no library would: frames and header blocks byte by byte (RFC 9113, RFC 7541). Of what
 * comes it understands as much as a test asks for: statuses, resets, the end.
 */
import { connect } from 'node:tls';
import type { ConnectionOptions } from 'node:tls';

/** Names and values as they are sent; each character stands for the byte of its number. */
export type RawFields = readonly (readonly [name: string, value: string])[];

export interface RawRequest {
  readonly fields: RawFields;
  readonly body?: string;
  readonly trailers?: RawFields;
}

/** What came of one stream. */
export interface StreamSeen {
  /** Statuses, interim ones too. */
  readonly statuses: readonly number[];
  /** Whether an answer came whole. */
  readonly whole: boolean;
  /** Code of its RST_STREAM. */
  readonly reset: number | undefined;
}

export interface RawVisitor {
  readonly send: (stream: number, request: RawRequest) => void;
  readonly seen: (stream: number) => StreamSeen;
  /** Code of the connection's GOAWAY. */
  readonly goaway: () => number | undefined;
  /** Whether the other side has ended the connection. */
  readonly hasEnded: () => boolean;
  readonly destroy: () => void;
}

const TYPE = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goaway: 7, continuation: 9 } as const;
const FLAG = { endStream: 1, ack: 1, endHeaders: 4 } as const;
const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const FRAME_BYTES = 16_384;

const frame = (type: number, flags: number, stream: number, payload: Buffer): Buffer => {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
};

/** An integer of seven bits and more (RFC 7541, 5.1), then the bytes as they are: no Huffman code. */
const literal = (text: string): Buffer => {
  const bytes = Buffer.from(text, 'latin1');
  if (bytes.length < 127) return Buffer.concat([Buffer.of(bytes.length), bytes]);
  const length = [127];
  let rest = bytes.length - 127;
  for (; rest >= 128; rest >>= 7) length.push((rest & 0x7f) | 0x80);
  return Buffer.concat([Buffer.of(...length, rest), bytes]);
};

/** A block of literal fields, none of them indexed. */
const blockOf = (fields: RawFields): Buffer =>
  Buffer.concat(fields.flatMap(([name, value]) => [Buffer.of(0), literal(name), literal(value)]));

/** HEADERS, and CONTINUATION for what does not fit. */
const headFrames = (stream: number, fields: RawFields, flags: number): readonly Buffer[] => {
  const block = blockOf(fields);
  const pieces: Buffer[] = [];
  for (let at = 0; at === 0 || at < block.length; at += FRAME_BYTES) pieces.push(block.subarray(at, at + FRAME_BYTES));
  return pieces.map((piece, i) => {
    const last = i === pieces.length - 1 ? FLAG.endHeaders : 0;
    return i === 0 ? frame(TYPE.headers, flags | last, stream, piece) : frame(TYPE.continuation, last, stream, piece);
  });
};

const framesOf = (stream: number, { fields, body, trailers }: RawRequest): Buffer => {
  const ends = (isLast: boolean): number => (isLast ? FLAG.endStream : 0);
  return Buffer.concat([
    ...headFrames(stream, fields, ends(body === undefined && trailers === undefined)),
    ...(body === undefined
      ? []
      : [frame(TYPE.data, ends(trailers === undefined), stream, Buffer.from(body, 'latin1'))]),
    ...(trailers === undefined ? [] : headFrames(stream, trailers, FLAG.endStream)),
  ]);
};

/** :status of whole entries of the static table (RFC 7541, appendix A). */
const INDEXED: Readonly<Record<number, number>> = { 8: 200, 9: 204, 10: 206, 11: 304, 12: 400, 13: 404, 14: 500 };

/** Digits in Huffman's code (RFC 7541, appendix B): 0 to 2 have five bits, the others six. */
const huffmanDigits = (bytes: Buffer): string => {
  let bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, '0')).join('');
  let digits = '';
  while (bits.length >= 5) {
    const short = parseInt(bits.slice(0, 5), 2);
    const long = parseInt(bits.slice(0, 6), 2);
    if (short <= 2) digits += String(short);
    else if (long >= 0x19 && long <= 0x1f) digits += String(long - 0x16);
    else break;
    bits = bits.slice(short <= 2 ? 5 : 6);
  }
  return digits;
};

/** The first field of an answer's block, which is :status; undefined in a block of trailers. */
const statusOf = (block: Buffer): number | undefined => {
  let at = 0;
  // A change of the table's size may come before it.
  while (((block[at] ?? 0) & 0xe0) === 0x20) at += 1;
  const first = block[at] ?? 0;
  if ((first & 0x80) !== 0) return INDEXED[first & 0x7f];
  const index = (first & 0x40) !== 0 ? first & 0x3f : first & 0x0f;
  if (index < 8 || index > 14) return undefined;
  const length = block[at + 1] ?? 0;
  const value = block.subarray(at + 2, at + 2 + (length & 0x7f));
  return Number((length & 0x80) !== 0 ? huffmanDigits(value) : value.toString('latin1'));
};

interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** Cuts whole frames off the front of what came. */
const takeFrames = (bytes: Buffer): { readonly frames: readonly Frame[]; readonly rest: Buffer } => {
  const frames: Frame[] = [];
  let rest = bytes;
  while (rest.length >= 9) {
    const length = rest.readUIntBE(0, 3);
    if (rest.length < 9 + length) break;
    const [type, flags, stream] = [rest.readUInt8(3), rest.readUInt8(4), rest.readUInt32BE(5)];
    frames.push({ type, flags, stream, payload: rest.subarray(9, 9 + length) });
    rest = rest.subarray(9 + length);
  }
  return { frames, rest };
};

const NOTHING: StreamSeen = { statuses: [], whole: false, reset: undefined };

const after = (seen: StreamSeen, { type, flags, payload }: Frame): StreamSeen => {
  const status = type === TYPE.headers ? statusOf(payload) : undefined;
  const ends = (type === TYPE.headers || type === TYPE.data) && (flags & FLAG.endStream) !== 0;
  return {
    statuses: status === undefined ? seen.statuses : [...seen.statuses, status],
    whole: seen.whole || ends,
    reset: type === TYPE.reset ? payload.readUInt32BE(0) : seen.reset,
  };
};

/** Connects with ALPN h2, and sends the preface and SETTINGS. */
export const visitRaw = (options: ConnectionOptions): RawVisitor => {
  const socket = connect({ ...options, ALPNProtocols: ['h2'] });
  const streams = new Map<number, StreamSeen>();
  let [bytes, goaway, ended]: [Buffer, number | undefined, boolean] = [Buffer.alloc(0), undefined, false];
  const take = (one: Frame): void => {
    const { type, flags, stream, payload } = one;
    const isOurs = (flags & FLAG.ack) === 0;
    if (type === TYPE.settings && isOurs) socket.write(frame(TYPE.settings, FLAG.ack, 0, Buffer.alloc(0)));
    else if (type === TYPE.ping && isOurs) socket.write(frame(TYPE.ping, FLAG.ack, 0, payload));
    else if (type === TYPE.goaway) goaway = payload.readUInt32BE(4);
    else if (stream !== 0) streams.set(stream, after(streams.get(stream) ?? NOTHING, one));
  };
  socket.on('data', (more: Buffer) => {
    const { frames, rest } = takeFrames(Buffer.concat([bytes, more]));
    bytes = rest;
    for (const one of frames) take(one);
  });
  socket.on('error', () => (ended = true));
  socket.on('close', () => (ended = true));
  socket.write(Buffer.concat([Buffer.from(PREFACE), frame(TYPE.settings, 0, 0, Buffer.alloc(0))]));
  return {
    send: (stream, request) => void socket.write(framesOf(stream, request)),
    seen: (stream) => streams.get(stream) ?? NOTHING,
    goaway: () => goaway,
    hasEnded: () => ended,
    destroy: () => socket.destroy(),
  };
};

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

import type { Clock } from '#controller/kube/clock.ts';
import type { Answer, AnswerState, FlatHeaders } from '../exchange.ts';
import { fieldsOf, flatten } from '../head/fields.ts';
import type { ReadAhead } from '../read-ahead.ts';
import { closeGently } from './closing.ts';
import type { ClosingLimits } from './closing.ts';

export interface Http1 {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly socket: Socket;
  readonly body: ReadAhead;
  readonly bodyIsWhole: () => boolean;
  /** Whether each answer says that it is its connection's last. */
  readonly isLast: () => boolean;
  readonly mayUpgrade: boolean;
  /** Told when the connection is no longer HTTP. */
  readonly onUpgrade: () => void;
  readonly limits: ClosingLimits;
  readonly clock: Clock;
}

const NOTHING = Buffer.alloc(0);

/** The answer of an HTTP/1 request; Node writes the framing, by the headers it is given. */
export const answerOver1 = (parts: Http1): Answer => {
  const { request, response, socket, clock } = parts;
  const isLegacy = request.httpVersion === '1.0';
  let state: AnswerState = 'open';
  const isDead = () => socket.destroyed || response.destroyed;
  response.once('close', () => {
    if (state !== 'whole') state = 'broken';
  });

  /** Returns whether it is this answer's to begin. */
  const writeHead = (status: number, headers: FlatHeaders, length: number | undefined): boolean => {
    if (state !== 'open' || isDead()) return false;
    state = 'begun';
    const closes = parts.isLast() || parts.mayUpgrade || !parts.bodyIsWhole();
    const framing = length === undefined ? [] : ['Content-Length', String(length)];
    response.writeHead(status, [...headers, ...framing, ...(closes ? ['Connection', 'close'] : [])]);
    return true;
  };
  const begin = (status: number, headers: FlatHeaders, length: number | undefined): void => {
    // The head at once; flushHeaders() would write bytes above 0x7F of it as UTF-8, and so as others than came.
    if (writeHead(status, headers, length)) response.write(NOTHING);
  };
  const end = (trailers: FlatHeaders = [], rest?: string): Promise<void> => {
    if (state !== 'begun' || isDead()) return Promise.resolve();
    state = 'whole';
    if (trailers.length > 0 && !isLegacy) {
      response.addTrailers(fieldsOf(trailers).map(({ name, value }): [string, string] => [name, value]));
    }
    // What Node calls once the last answer of a connection is written.
    if (!parts.bodyIsWhole()) socket.destroySoon = () => closeGently(socket, parts.body, parts.limits, clock);
    const done = eitherOf(response, 'finish', 'close');
    response.end(rest);
    return done;
  };
  return {
    get state() {
      return state;
    },
    get pending() {
      // What a stream holds falls by whole chunks; what the kernel has not taken of one, by bytes.
      return response.writableLength + queuedOf(socket);
    },
    goOn: () => {
      if (state === 'open' && !isDead() && !isLegacy) response.writeContinue();
    },
    inform: (status, headers) => {
      if (state === 'open' && !isDead() && !isLegacy) socket.write(informationOf(status, headers), 'latin1');
    },
    begin,
    write: (chunk) => (state === 'begun' && !isDead() ? response.write(chunk) : true),
    drained: () => {
      const isFull = state === 'begun' && !isDead() && response.writableNeedDrain;
      return isFull ? eitherOf(response, 'drain', 'close') : Promise.resolve();
    },
    end: (trailers) => end(trailers),
    // Head and body in one write: crowds are refused by this. Its own headers are ASCII.
    whole: ({ status, headers, body }) =>
      writeHead(status, headers, Buffer.byteLength(body))
        ? end([], request.method === 'HEAD' ? undefined : body)
        : Promise.resolve(),
    cut: () => {
      if (state !== 'whole') state = 'broken';
      reset(socket);
    },
    upgrade: parts.mayUpgrade
      ? (headers): Duplex => {
          state = 'whole';
          response.detachSocket(socket);
          parts.onUpgrade();
          if (!isDead()) socket.write(informationOf(101, headers), 'latin1');
          return socket;
        }
      : undefined,
  };
};

const REASONS: Readonly<Record<number, string>> = { 101: 'Switching Protocols', 102: 'Processing', 103: 'Early Hints' };

const informationOf = (status: number, headers: FlatHeaders): string => {
  const flat = flatten(fieldsOf(headers));
  const lines = fieldsOf(flat).map(({ name, value }) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${REASONS[status] ?? 'Information'}\r\n${lines.join('')}\r\n`;
};

/** So that a broken answer cannot be taken for one that ended by its close; TLS has no such form, but says when it was cut. */
const reset = (socket: Socket): void => {
  if (socket.destroyed) return;
  if ('encrypted' in socket) socket.destroy();
  else socket.resetAndDestroy();
};

const eitherOf = (response: ServerResponse, one: string, other: string): Promise<void> =>
  new Promise((resolve) => {
    const finish = () => {
      response.removeListener(one, finish);
      response.removeListener(other, finish);
      resolve();
    };
    response.on(one, finish);
    response.on(other, finish);
  });

/** As Node's own socket time-out looks at it; there is no public name for it. */
const queuedOf = (socket: Socket): number => {
  const handle = (socket as { readonly _handle?: { readonly writeQueueSize?: number } | null })._handle;
  return handle?.writeQueueSize ?? 0;
};

import { constants, createServer as createHttp2Server } from 'node:http2';
import type { IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { TLSSocket, createServer as createTlsServer } from 'node:tls';
import type { Server as TlsServer } from 'node:tls';

import { fieldsOf, flatten } from '../head/fields.ts';
import { readHead } from '../head/head.ts';
import type { HeadReading, RawHead, Refusal } from '../head/types.ts';
import { ReadAhead } from '../read-ahead.ts';
import { answerOver2 } from './answer2.ts';
import { Cancels } from './cancels.ts';
import type { Desk } from './desk.ts';
import { peerOf } from './intake1.ts';
import type { FrontOptions, TlsOptions } from './options.ts';

export interface Intake2 {
  readonly server: TlsServer;
  /** Connections that are open. */
  readonly count: () => number;
  /** Calls back when one is closed, until the returned function is called. */
  readonly onClosed: (watcher: () => void) => () => void;
  /**
   * Begins to send HTTP/2 visitors elsewhere, by a GOAWAY that names the last stream that is served (RFC 9113, 6.8): those
   * that have one open at once, the others with their next. Who opens one stream after the other has none on its way then,
   * that would be refused. A first GOAWAY that refuses none, with a PING after it, is not to be had: after any GOAWAY Node's
   * nghttp2 ignores what is opened, and a layer below it that sends one costs each connection half of its throughput.
   */
  readonly beginToLeave: () => void;
  /** Sends all elsewhere now. Who opened a stream just then is told that it was not served, and can open it elsewhere. */
  readonly sayGoodbye: () => void;
  readonly destroyAll: () => void;
}

/** An HTTP/2 connection. */
interface Connection {
  readonly session: ServerHttp2Session;
  readonly socket: Socket;
  /** Streams. */
  open: number;
}

/** TLS with HTTP/2; who speaks HTTP/1 over it is handed to that server. */
export const createIntake2 = (options: FrontOptions, tls: TlsOptions, desk: Desk, http1: Server): Intake2 => {
  const { limits, clock } = options;
  const connections = new Set<Connection>();
  const watchers = new Set<() => void>();
  let isLeaving = false;
  // One server for each protocol, and one for TLS before them: so HTTP/1 has the same limits with and without TLS, which
  // createSecureServer's allowHTTP1 has not.
  const http2 = createHttp2Server({
    maxHeaderListPairs: 256,
    settings: { maxConcurrentStreams: limits.streams, enableConnectProtocol: false, enablePush: false },
  });
  const server = createTlsServer(
    {
      ...tls.defaultCertificate,
      minVersion: 'TLSv1.2',
      ALPNProtocols: ['h2', 'http/1.1'],
      handshakeTimeout: limits.handshakeMs,
      SNICallback: (servername, done) => {
        const context = tls.contextFor(servername.toLowerCase());
        if (context === undefined) done(new Error('no certificate is served for this name'));
        else done(null, context);
      },
    },
    (socket) => {
      if (socket.alpnProtocol !== 'h2') http1.emit('connection', socket);
      else {
        // It is told before emit() returns.
        http2.once('session', (session) => serve({ session, socket, open: 0 }));
        http2.emit('connection', socket);
      }
    },
  );
  // Visitors that fail a handshake are their own business.
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  http2.on('sessionError', () => undefined);
  const serve = (connection: Connection): void => {
    const { session, socket } = connection;
    connections.add(connection);
    // Not with its session, which is over before the visitor has closed its side.
    socket.once('close', () => {
      connections.delete(connection);
      for (const watcher of [...watchers]) watcher();
    });
    watchPreface(session, limits.prefaceMs, options);
    watchIdle(connection, limits.keepAliveMs);
    const cancels = new Cancels(limits.cancels, limits.cancelWindowMs);
    session.on('error', () => session.destroy());
    session.on('stream', (stream, headers, _flags, rawHeaders) => {
      takeStream(options, tls, desk, { stream, session, headers, rawHeaders });
      if (isLeaving) session.close();
      stream.once('aborted', () => {
        if (!isLeaving && cancels.add(clock.now())) {
          session.destroy(new Error('too many cancelled streams'), constants.NGHTTP2_ENHANCE_YOUR_CALM);
        }
      });
    });
  };
  return {
    server,
    count: () => connections.size,
    onClosed: (watcher) => {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
    beginToLeave: () => {
      isLeaving = true;
      for (const { session, open } of connections) if (open > 0) session.close();
    },
    sayGoodbye: () => {
      for (const { session } of connections) session.close();
    },
    destroyAll: () => {
      for (const { session, socket } of connections) {
        session.destroy();
        socket.destroy();
      }
    },
  };
};

const watchPreface = (session: ServerHttp2Session, ms: number, { clock }: FrontOptions): void => {
  const timer = clock.after(ms, () => session.destroy());
  session.once('remoteSettings', () => timer.cancel());
  session.once('close', () => timer.cancel());
};

const watchIdle = (connection: Connection, ms: number): void => {
  const { session } = connection;
  session.on('stream', (stream) => {
    connection.open++;
    stream.once('close', () => connection.open--);
  });
  session.setTimeout(ms, () => {
    if (connection.open === 0) session.close();
  });
};

interface Opened {
  readonly stream: ServerHttp2Stream;
  readonly session: ServerHttp2Session;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
}

const takeStream = (options: FrontOptions, tls: TlsOptions, desk: Desk, opened: Opened): void => {
  const { stream, session } = opened;
  const socket = session.socket;
  const servername = socket instanceof TLSSocket && typeof socket.servername === 'string' ? socket.servername : '';
  const peer = peerOf(socket);
  const raw = rawHeadOf(opened);
  const name = servername === '' ? undefined : servername.toLowerCase();
  const reading = settle(readHead(raw, { ...peer, tls: true }, options.policy), stream, tls, name);
  const body = new ReadAhead(stream, options.limits.readAheadBytes, options.budget);
  let trailers: readonly string[] = [];
  stream.once('trailers', (headers) => {
    trailers = Object.entries(headers).flatMap(([key, value]) => [value ?? ''].flat().flatMap((one) => [key, one]));
  });
  const bodyIsWhole = () => stream.endAfterHeaders || stream.readableEnded || body.state === 'ended';
  const answer = answerOver2({ stream, method: raw.method, bodyIsWhole });
  const connection = { protocol: 'http/2', peer: peer.address, tls: true, servername: name } as const;
  const parts = { connection, body: () => body, bodyIsWhole, trailers: () => trailers, answer };
  const arrival = desk.take(reading, parts, raw.headers);
  stream.once('close', () => answer.state === 'broken' && arrival?.leave('visitor-left'));
  if (reading.kind === 'request' && !reading.head.expectsContinue) body.start();
};

const rawHeadOf = ({ headers, rawHeaders }: Opened): RawHead => ({
  protocol: 'http/2',
  version: '2.0',
  method: headers[':method'] ?? '',
  target: headers[':path'] ?? '',
  headers: flatten(fieldsOf(rawHeaders).filter(({ key }) => !key.startsWith(':'))),
  authority: headers[':authority'],
  scheme: headers[':scheme'],
});

/** What only this connection knows: whether there is a body, and whether it may carry requests for that host. */
const settle = (
  reading: HeadReading,
  stream: ServerHttp2Stream,
  tls: TlsOptions,
  servername: string | undefined,
): HeadReading => {
  if (reading.kind !== 'request') return reading;
  const { head } = reading;
  if (!tls.mayServe(servername, head.host)) return MISDIRECTED;
  return stream.endAfterHeaders ? { kind: 'request', head: { ...head, framing: { kind: 'none' } } } : reading;
};

const MISDIRECTED: Refusal = {
  kind: 'refused',
  status: 421,
  why: 'this connection was made for a host of another certificate',
};

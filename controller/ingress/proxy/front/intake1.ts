import { createServer, ServerResponse, STATUS_CODES } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

import type { ConnectionFacts } from '../exchange.ts';
import { readHead } from '../head/head.ts';
import type { HeadReading, Peer } from '../head/types.ts';
import { ReadAhead } from '../read-ahead.ts';
import { Answer1 } from './answer1.ts';
import type { Arrival } from './arrival.ts';
import type { Desk } from './desk.ts';
import { Lines } from './line.ts';
import type { FrontOptions } from './options.ts';

export interface Intake1 {
  /** Takes its own connections, and those that are handed to it by `connection` events. */
  readonly server: Server;
  readonly lines: Lines;
}

export const peerOf = (socket: Socket): Peer => ({
  address: (socket.remoteAddress ?? 'unknown').replace(/^::ffff:/, ''),
  tls: socket instanceof TLSSocket,
});

/** HTTP/1.0 and 1.1 of visitors. */
export const createIntake1 = (options: FrontOptions, desk: Desk, isLast: () => boolean): Intake1 => {
  const { limits, rush, clock } = options;
  const read = ({ method = '', url: target = '', httpVersion: version, rawHeaders, socket }: IncomingMessage) =>
    readHead({ protocol: 'http/1', version, method, target, headers: rawHeaders }, peerOf(socket), options.policy);
  const take = (
    request: IncomingMessage,
    response: ServerResponse,
    reading: HeadReading,
    mayUpgrade: boolean,
  ): void => {
    const { socket } = request;
    const isBodyless = mayUpgrade || !announcesBody(request);
    const openBody = () => new ReadAhead(mayUpgrade ? socket : request, limits.readAheadBytes, options.budget);
    // What does not come is not waited for: of a crowd most have no body.
    let opened = isBodyless && !mayUpgrade ? undefined : openBody();
    const body = () => (opened ??= openBody());
    const bodyIsWhole = () => isBodyless || request.complete;
    let arrival: Arrival | undefined = undefined;
    const leave = () => arrival?.leave('visitor-left');
    // Sooner than the close, which Node comes to by turns of its own.
    const end = (): unknown => answer.state === 'open' && leave();
    socket.once('end', end);
    const answer = new Answer1({
      request,
      response,
      socket,
      body,
      bodyIsWhole,
      // What was pipelined before a drain was told is still served: after a `close` nothing is.
      isLast: () => reading.kind === 'refused' || (isLast() && !lines.isAwaited(socket)),
      mayUpgrade,
      onUpgrade: () => {
        if (arrival !== undefined) arrival.isUpgraded = true;
      },
      onClose: (state) => {
        if (mayUpgrade) return;
        socket.removeListener('end', end);
        if (state === 'broken') leave();
      },
      ...{ limits, rush, clock },
    });
    const trailers = () => request.rawTrailers;
    arrival = desk.take(
      reading,
      { connection: factsOf(socket), body, bodyIsWhole, trailers, answer },
      request.rawHeaders,
    );
    if (mayUpgrade) socket.once('close', leave);
    if (reading.kind === 'request' && !reading.head.expectsContinue) opened?.start();
  };
  const lines = new Lines(limits.pipelined, (request, response) =>
    take(request, response, withUpgrades(read(request), NONE), false),
  );
  const server = createServer({
    connectionsCheckingInterval: limits.checkMs,
    headersTimeout: limits.headMs,
    requestTimeout: 0,
    keepAliveTimeout: limits.keepAliveMs,
    // Set where it counts, by answers in pieces: a crowd is refused in one each.
    noDelay: false,
    // Most of a crowd has no body, and so no stream to be read to its end.
    optimizeEmptyRequests: true,
    // Asked before the request is: what is not let through becomes an ordinary request.
    shouldUpgradeCallback: (request) =>
      !lines.isBusy(request.socket) && hasUpgrades(withUpgrades(read(request), options.upgradesFor)),
  });
  const join = (request: IncomingMessage, response: ServerResponse) => lines.join(request, response);
  server.on('request', join);
  server.on('checkContinue', join);
  server.on('checkExpectation', join);
  server.on('upgrade', (request: IncomingMessage, socket: Socket, first: Buffer) => {
    if (first.length > 0) socket.unshift(first);
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    // Node listens for these on sockets that are still HTTP's.
    socket.on('drain', () => response.emit('drain'));
    socket.on('error', () => socket.destroy());
    response.once('finish', () => socket.destroySoon());
    const reading = withUpgrades(read(request), options.upgradesFor);
    take(request, response, reading, hasUpgrades(reading));
  });
  server.on('connect', (request: IncomingMessage, socket: Socket) => {
    const reading = read(request);
    refuseBare(
      socket,
      reading.kind === 'refused' ? reading.status : 405,
      reading.kind === 'refused' ? reading.allow : '',
    );
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    // The answer that is under way would be cut into; it is broken by the close.
    if (lines.isBusy(socket)) socket.destroy();
    else refuseBare(socket, statusOf(error.code));
  });
  return { server, lines };
};

const NONE: FrontOptions['upgradesFor'] = () => [];

const hasUpgrades = (reading: HeadReading): boolean => reading.kind === 'request' && reading.head.upgrades.length > 0;

/** Of the protocols that a request would switch to leaves those that it may. */
const withUpgrades = (reading: HeadReading, upgradesFor: FrontOptions['upgradesFor']): HeadReading => {
  if (reading.kind !== 'request' || reading.head.upgrades.length === 0) return reading;
  const { head } = reading;
  const may = upgradesFor(head);
  return { kind: 'request', head: { ...head, upgrades: head.upgrades.filter((protocol) => may.includes(protocol)) } };
};

/** Told by the head: Node says that a request is complete only after it has handed it over. */
const announcesBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';

const factsOf = (socket: Socket): ConnectionFacts => {
  const { address: peer, tls } = peerOf(socket);
  const name = socket instanceof TLSSocket ? socket.servername : undefined;
  return { protocol: 'http/1', peer, tls, servername: typeof name === 'string' && name !== '' ? name : undefined };
};

/** Answers where Node made no request of what came. */
const refuseBare = (socket: Socket, status: number, allow?: string): void => {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const allowed = allow === undefined ? '' : `Allow: ${allow}\r\n`;
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${allowed}`;
  socket.on('error', () => socket.destroy());
  socket.end(`${head}Connection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroySoon());
};

const statusOf = (code: string | undefined): number => {
  if (code === 'HPE_HEADER_OVERFLOW') return 431;
  return code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400;
};

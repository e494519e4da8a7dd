import { createServer, STATUS_CODES } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

import type { KubeLogger } from '#controller/kube/logger.ts';
import { Allowance } from './allowance.ts';
import { answerTo } from './answer.ts';
import type { Answer, Body, Refusal } from './answer.ts';
import { MAX_REPORT_BYTES } from './exit-report.ts';
import type { NotifyPort, Receiver } from './receiver.ts';
import { sourceAddressTo } from './route.ts';

export interface NotifyServerOptions {
  /** All addresses of the machine where host is undefined; any free port where port is 0. */
  readonly address: { readonly host: string | undefined; readonly port: number };
  /** Host that guests are told; undefined: the machine's own address on the route to each. */
  readonly advertise?: string | undefined;
  readonly logger: KubeLogger;
  /** Monotonic ms. */
  readonly now: () => number;
}

export interface NotifyServer extends NotifyPort {
  /** Where it listens, the port filled in. */
  readonly address: AddressInfo;
  /** Resolves when all connections are closed, after a second at the latest. */
  close(): Promise<void>;
}

/** A notice is a line, a few headers of those who have any, and a few kilobytes at most. */
const LIMITS = {
  maxHeaderSize: 4_096,
  headersTimeout: 5_000,
  requestTimeout: 5_000,
  connectionsCheckingInterval: 500,
} as const;
const MAX_CONNECTIONS = 2_048;
/** No guest needs more; one that opens many keeps no place from another. */
const MAX_CONNECTIONS_A_PEER = 4;
/** A peer that takes no answer. */
const IDLE_MS = 20_000;
const CLOSE_MS = 1_000;
/**
 * A notice is answered so many turns of the event loop after it was taken in: somebody may wait for that guest, who connects
 * to it in one turn and asks it in the next, and comes first.
 */
const TURNS = 2;
/** Log lines about refused requests: so many at once, then one a second. */
const LOG_LINES = { most: 20, pauseMs: 1_000 } as const;

/**
 * Serves `POST /ready/NAME` and `POST /exit/NAME` to guests, one request and one answer a connection. Everybody who
 * reaches the port is a stranger until the receiver says otherwise. Rejects with the system's error where the address
 * cannot be listened on.
 */
export const startNotifyServer = async (options: NotifyServerOptions): Promise<NotifyServer> => {
  let receiver: Receiver | undefined;
  const tell = refusalLog(options);
  const server = createServer({ ...LIMITS, keepAlive: false }, (request, response) => {
    const peer = peerOf(request.socket);
    serve(receiver, request, response, peer).then(
      ({ refusal }) => {
        if (refusal !== undefined) tell(peer, refusal);
      },
      (error: unknown) => {
        options.logger.error('A notice could not be taken in', { peer, error });
        send(request, response, { status: 500, text: 'the notice could not be taken in' });
      },
    );
  });
  // Node itself answers a second request on a connection with 503.
  server.maxRequestsPerSocket = 1;
  server.maxConnections = MAX_CONNECTIONS;
  server.timeout = IDLE_MS;
  limitPeers(server, tell);
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    // Bytes after a request that is the last one of its connection: its answer is on its way.
    if (error.code === 'HPE_CLOSED_CONNECTION') return;
    const status = statusOf(error.code);
    tell(peerOf(socket), { status, why: 'no whole request of HTTP' });
    const head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`;
    if (socket.writable) socket.end(`${head}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    else socket.destroy();
  });
  await listen(server, options.address);
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('an HTTP server on TCP has an address');
  return {
    address,
    endpointFor: async (guest) => {
      const host = options.advertise ?? (await sourceAddressTo(guest));
      return host === undefined ? undefined : { host, port: address.port };
    },
    attach: (next) => {
      receiver = next;
      return () => {
        if (receiver === next) receiver = undefined;
      };
    },
    close: () => close(server),
  };
};

type Tell = (peer: string, refusal: Refusal) => void;

/** One log line for a refusal, unless there are too many; of the request itself it holds what is known to be harmless. */
function refusalLog({ logger, now }: NotifyServerOptions): Tell {
  const allowance = new Allowance(LOG_LINES.most, LOG_LINES.pauseMs, now);
  return (peer, { status, why, name }) => {
    const heldBack = allowance.take();
    if (heldBack === undefined) return;
    const more = heldBack === 0 ? {} : { alsoRefused: heldBack };
    logger.warn('A notice was refused', { peer, status, why, domain: name, ...more });
  };
}

/** Cuts off who has too many connections already. */
function limitPeers(server: Server, tell: Tell): void {
  const open = new Map<string, number>();
  server.on('connection', (socket: Socket) => {
    const peer = peerOf(socket);
    const count = (open.get(peer) ?? 0) + 1;
    open.set(peer, count);
    socket.once('close', () => {
      const left = (open.get(peer) ?? 1) - 1;
      if (left === 0) open.delete(peer);
      else open.set(peer, left);
    });
    if (count <= MAX_CONNECTIONS_A_PEER) return;
    tell(peer, { status: 429, why: 'too many connections' });
    socket.destroy();
  });
}

async function serve(
  receiver: Receiver | undefined,
  request: IncomingMessage,
  response: ServerResponse,
  peer: string,
): Promise<Answer> {
  const { method, url } = request;
  const answer = await answerTo(receiver, { method, url, peer, body: () => readBody(request) });
  for (let turn = 0; turn < TURNS; turn += 1) await new Promise(setImmediate);
  send(request, response, answer);
  return answer;
}

/** The body, as far as it is worth reading. */
function readBody(request: IncomingMessage): Promise<Body> {
  const chunks: Buffer[] = [];
  let size = 0;
  return new Promise((resolve) => {
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      chunks.push(chunk);
      if (size > MAX_REPORT_BYTES) finish('too-long');
    });
    request.once('end', () => finish(Buffer.concat(chunks)));
    request.once('close', () => finish('broken-off'));
    // What is broken off ends with 'close' too.
    request.on('error', () => finish('broken-off'));
    function finish(body: Body): void {
      request.removeAllListeners('data');
      request.pause();
      resolve(body);
    }
  });
}

function send(request: IncomingMessage, response: ServerResponse, { status, text, allow }: Answer): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(text) + 1,
    connection: 'close',
    ...(allow === undefined ? {} : { allow }),
    ...(status === 503 ? { 'retry-after': '1' } : {}),
  });
  response.end(`${text}\n`, () => {
    // What is left of a body that nobody reads must not keep the connection.
    if (!request.complete) request.socket.destroySoon();
  });
}

/** IPv4 as such, also where the server listens on IPv6 and maps it. */
function peerOf(socket: Socket): string {
  return (socket.remoteAddress ?? 'unknown').replace(/^::ffff:/, '');
}

function statusOf(code: string | undefined): number {
  if (code === 'HPE_HEADER_OVERFLOW') return 431;
  return code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400;
}

function listen(server: Server, { host, port }: NotifyServerOptions['address']): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, ...(host === undefined ? {} : { host }) }, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), CLOSE_MS);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { Registry } from 'prom-client';

/** Answer of a probe: well, or why not in one line. */
export type Health = { readonly ok: true } | { readonly ok: false; readonly why: string };

export interface ObserveServerOptions {
  /** All addresses of the machine where host is undefined; any free port where port is 0. */
  readonly address: { readonly host: string | undefined; readonly port: number };
  /** All of their metrics are served together; asked at each scrape. */
  readonly registries: () => readonly Registry[];
  /** Whether the process works at all; not ok makes a kubelet restart it. */
  readonly alive: () => Health;
  /** Whether it does what it is there for, or stands by for it. */
  readonly ready: () => Health;
  /** Told of requests that could not be answered. */
  readonly onError: (error: unknown) => void;
}

export interface ObserveServer {
  /** Where it listens, the port filled in. */
  readonly address: AddressInfo;
  /** Resolves when all connections are closed, after a second at the latest. */
  close(): Promise<void>;
}

/** A request is a line and a few headers; nobody needs longer than this for one. */
const LIMITS = { maxHeaderSize: 8192, headersTimeout: 5000, requestTimeout: 10_000, keepAliveTimeout: 5000 } as const;
const MAX_CONNECTIONS = 64;
const CLOSE_MS = 1000;

/** Serves /metrics, /healthz and /readyz. Rejects with the system's error where the address cannot be listened on. */
export const startObserveServer = async (options: ObserveServerOptions): Promise<ObserveServer> => {
  const server = createServer(LIMITS, (request, response) => {
    answer(options, request, response).catch((error: unknown) => {
      options.onError(error);
      response.destroy();
    });
  });
  server.maxConnections = MAX_CONNECTIONS;
  await listen(server, options.address);
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('an HTTP server on TCP has an address');
  return { address, close: () => close(server) };
};

const listen = (server: Server, { host, port }: ObserveServerOptions['address']): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, ...(host === undefined ? {} : { host }) }, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });

const close = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), CLOSE_MS);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
  });

const PLAIN = 'text/plain; charset=utf-8';

const answer = async (
  options: ObserveServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    send(response, 405, PLAIN, 'only GET and HEAD\n');
    return;
  }
  switch (request.url?.split('?')[0] ?? '') {
    case '/metrics': {
      const all = Registry.merge([...options.registries()]);
      send(response, 200, all.contentType, await all.metrics());
      return;
    }
    case '/healthz':
      sendHealth(response, options.alive());
      return;
    case '/readyz':
      sendHealth(response, options.ready());
      return;
    default:
      send(response, 404, PLAIN, 'there are /metrics, /healthz and /readyz\n');
  }
};

const sendHealth = (response: ServerResponse, health: Health): void =>
  health.ok ? send(response, 200, PLAIN, 'ok\n') : send(response, 503, PLAIN, `${health.why}\n`);

const send = (response: ServerResponse, status: number, type: string, body: string): void => {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.end(body);
};

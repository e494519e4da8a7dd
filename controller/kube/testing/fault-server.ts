import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ClientConfig } from '../kubeconfig.ts';

/** What a fault server was asked. */
export interface Seen {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** Answers one request; the next request goes to the next of them, and all after the last to the last. */
export type Answer = (response: ServerResponse, request: Seen) => void;

/** A tiny HTTP server for the faults that no real API server can be asked for. */
export interface FaultServer extends AsyncDisposable {
  readonly config: ClientConfig;
  readonly seen: readonly Seen[];
  /** TCP connections made so far. */
  readonly connections: number;
  /** Those open now. */
  readonly open: number;
}

/** Starts one on loopback, without TLS; its config carries a token, which must appear in no error. */
export async function faultServer(...answers: readonly Answer[]): Promise<FaultServer> {
  const seen: Seen[] = [];
  let connections = 0;
  let open = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const entry: Seen = {
        method: request.method ?? '',
        url: new URL(request.url ?? '/', 'http://server'),
        headers: request.headers,
        body: Buffer.concat(chunks).toString(),
      };
      seen.push(entry);
      answers[Math.min(seen.length, answers.length) - 1]?.(response, entry);
    });
  });
  server.on('connection', (socket) => {
    connections += 1;
    open += 1;
    socket.on('close', () => (open -= 1));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    config: {
      server: `http://127.0.0.1:${port}`,
      namespace: 'default',
      credentials: () => Promise.resolve({ headers: { authorization: `Bearer ${SECRET}` }, tls: {} }),
    },
    seen,
    get connections() {
      return connections;
    },
    get open() {
      return open;
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export const SECRET = 'secret-token-value';

/** A whole JSON answer. */
export function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(body));
  };
}

/** A metav1.Status of failure. */
export function failure(
  code: number,
  reason: string,
  message: string,
  headers?: Readonly<Record<string, string>>,
): Answer {
  return json(code, { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message }, headers);
}

export function list(resourceVersion: string | number, items: readonly unknown[], token?: string): Answer {
  return json(200, { kind: 'List', metadata: { resourceVersion: String(resourceVersion), continue: token }, items });
}

/** A watch that sends these lines (objects as JSON, text as it is) and then stays open, silent. */
export function watch(...lines: readonly unknown[]): Answer {
  return (response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    response.write(lines.map((line) => (typeof line === 'string' ? line : `${JSON.stringify(line)}\n`)).join(''));
  };
}

/** The same, then ended as a server ends a watch whose time is over. */
export function watchThenEnd(...lines: readonly unknown[]): Answer {
  return (response, request) => {
    watch(...lines)(response, request);
    response.end();
  };
}

/** The same, then the connection is reset. */
export function watchThenReset(...lines: readonly unknown[]): Answer {
  return (response, request) => {
    watch(...lines)(response, request);
    setImmediate(() => response.socket?.resetAndDestroy());
  };
}

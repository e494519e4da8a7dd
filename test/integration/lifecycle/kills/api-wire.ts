import { once } from 'node:events';
import { Agent, createServer, request } from 'node:https';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';

import type { ClientConfig } from '#controller/kube/index.ts';
import { selfSigned } from '#controller/serve/certificate.ts';
import type { Guarded } from '../wire.ts';

/** A request as it was read whole, before it is handed on. */
export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly body: string;
}

/** An HTTPS proxy between a controller and the API server, which is asked with the controller's own certificate. */
export interface ApiWire extends AsyncDisposable {
  readonly server: string;
  /** Certificate of the proxy, PEM. */
  readonly ca: string;
  /** Breaks what is open. */
  cut(): void;
}

/** `guard`: looks at each request; undefined lets it and the answer to it pass as they come. */
export async function openApiWire(
  config: ClientConfig,
  guard: (asked: ApiRequest) => Guarded | undefined,
): Promise<ApiWire> {
  const { tls } = await config.credentials();
  const { hostname, port } = new URL(config.server);
  const agent = new Agent({ ...tls, keepAlive: true });
  const open = new Set<Socket>();
  const { cert, key } = selfSigned(['127.0.0.1'], new Date());

  const relay = async (from: IncomingMessage, to: ServerResponse): Promise<void> => {
    const body = await buffer(from);
    const { method = '', url = '' } = from;
    const guarded = guard({ method, path: url, body: body.toString('utf8') });
    if (guarded?.call() === false) return;
    const headers: IncomingHttpHeaders = { ...from.headers, host: `${hostname}:${port}` };
    const onward = request({ hostname, port, path: url, method, headers, agent });
    to.on('close', () => onward.destroy());
    onward.end(body);
    const [answer] = (await once(onward, 'response')) as [IncomingMessage];
    if (guarded === undefined) {
      to.writeHead(answer.statusCode ?? 502, answer.headers);
      to.flushHeaders();
      answer.on('error', () => to.destroy());
      answer.pipe(to);
      return;
    }
    const whole = await buffer(answer);
    if (!guarded.answer()) return;
    to.writeHead(answer.statusCode ?? 502, answer.headers);
    to.end(whole);
  };
  const server = createServer({ cert, key }, (from, to) => {
    // One side is gone: so is the other, then.
    relay(from, to).catch(() => to.destroy());
  });
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => open.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = (): void => {
    for (const socket of open) socket.destroy();
  };
  return {
    server: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ca: cert,
    cut,
    [Symbol.asyncDispose]: async () => {
      cut();
      agent.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

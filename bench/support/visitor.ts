import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';

/** Somebody at a bare connection of its own, who may leave at any time. */
export interface Visitor {
  /** Bytes that came. */
  readonly received: number;
  /** The beginning of what came, 64 KiB at most. */
  readonly text: string;
  readonly localPort: number;
  /** Resolves once the kernel has taken it. */
  send(bytes: string | Buffer): Promise<void>;
  /** Resolves when what came is so; rejects when it is not in time, or the connection has ended before. */
  until(what: string, holds: () => boolean, timeoutMs: number): Promise<void>;
  /** Closes the connection, by FIN or by a reset; the time of performance.now() just before. */
  leave(how: 'close' | 'reset'): number;
}

const TEXT_BYTES = 64 * 1024;

/** Connects to a port of this machine. */
export async function arrive(port: number): Promise<Visitor> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  await once(socket, 'connect');
  let received = 0;
  let text = '';
  let isOver = false;
  const looks = new Set<() => void>();
  const tell = (): void => {
    for (const look of [...looks]) look();
  };
  const end = (): void => {
    isOver = true;
    tell();
  };
  socket.on('data', (chunk) => {
    received += chunk.length;
    if (text.length < TEXT_BYTES) text += chunk.toString('latin1');
    tell();
  });
  socket.on('error', end);
  socket.on('close', end);
  socket.on('end', end);
  return {
    get received() {
      return received;
    },
    get text() {
      return text;
    },
    localPort: socket.localPort ?? 0,
    send: (bytes) => written(socket, bytes),
    until: (what, holds, timeoutMs) =>
      new Promise((resolve, reject) => {
        const settle = (error?: Error): void => {
          clearTimeout(late);
          looks.delete(look);
          if (error === undefined) resolve();
          else reject(error);
        };
        const look = (): void => {
          if (holds()) settle();
          else if (isOver) settle(new Error(`${what}: the connection ended before; received: ${text.slice(0, 200)}`));
        };
        const late = setTimeout(() => settle(new Error(`${what}: not so after ${timeoutMs} ms`)), timeoutMs);
        looks.add(look);
        look();
      }),
    leave: (how) => {
      const now = performance.now();
      if (how === 'reset') socket.resetAndDestroy();
      else socket.destroy();
      return now;
    },
  };
}

/** A whole answer to a GET over a connection of its own. */
export async function ask(
  port: number,
  host: string,
  path: string,
): Promise<{ readonly status: number; readonly text: string }> {
  const visitor = await arrive(port);
  await visitor.send(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  await visitor.until(`${host}${path} answers`, () => visitor.text.includes('\r\n\r\n'), 60_000);
  visitor.leave('close');
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(visitor.text)?.[1] ?? Number.NaN), text: visitor.text };
}

function written(socket: Socket, bytes: string | Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.write(bytes, 'latin1' as BufferEncoding, (error) => {
      if (error === null || error === undefined) resolve();
      else reject(error);
    });
  });
}

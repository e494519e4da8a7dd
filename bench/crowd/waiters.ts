import { connect } from 'node:net';
import type { Socket } from 'node:net';

/** Many who wait for an answer that does not come. */
export interface Waiters {
  readonly count: number;
  /** Those whose connection ended, or who were answered. */
  early(): number;
  /** All leave. */
  leave(): void;
}

/** So many connect at a time: a listener's backlog is bounded. */
const BATCH = 250;
const CONNECT_TIMEOUT_MS = 20_000;

/** Has so many ask, each by a plain GET on a connection of its own; resolves when all of them have. */
export const gather = async (port: number, host: string, count: number): Promise<Waiters> => {
  const sockets: Socket[] = [];
  let early = 0;
  let isOver = false;
  const tooEarly = (): void => {
    if (!isOver) early += 1;
  };
  while (sockets.length < count) {
    const batch = Array.from({ length: Math.min(BATCH, count - sockets.length) }, () =>
      open(port, `GET / HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: crowd\r\nAccept: */*\r\n\r\n`),
    );
    for (const socket of await Promise.all(batch)) {
      socket.once('data', tooEarly);
      socket.once('close', tooEarly);
      sockets.push(socket);
    }
  }
  return {
    count,
    early: () => early,
    leave: () => {
      isOver = true;
      for (const socket of sockets) socket.destroy();
    },
  };
};

const open = (port: number, question: string): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => socket.destroy(new Error('a waiter could not connect in time')));
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.setTimeout(0);
      socket.write(question);
      resolve(socket);
    });
  });

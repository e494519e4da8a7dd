/*
 * A crowd of the ingress' own, in a thread of its own: what V8 learns of a client's sockets is kept apart from what it
 * learns of a server's. Ends when all were answered; fails where one could not be.
 */
import { connect } from 'node:net';
import { workerData } from 'node:worker_threads';

/** Whom they ask, and how many they are. */
export interface OwnCrowd {
  readonly address: string;
  readonly port: number;
  /** The host that they ask for. */
  readonly host: string;
  readonly visitors: number;
  readonly atOnce: number;
}

const { address, port, host, visitors, atOnce } = workerData as OwnCrowd;
const request = `GET / HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: warm-up\r\nAccept: */*\r\nConnection: close\r\n\r\n`;

/** Resolves once its connection is over. */
const visit = (): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: address, port }, () => socket.write(request));
    socket.once('error', reject);
    socket.once('close', () => resolve());
    // The answer is thrown away.
    socket.resume();
  });

for (let left = visitors; left > 0; left -= atOnce) {
  await Promise.all(Array.from({ length: Math.min(left, atOnce) }, visit));
}

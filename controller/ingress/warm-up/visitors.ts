/*
 * A crowd of the ingress' own and its guests, in a thread of their own: what V8 learns of a client's sockets is kept apart
 * from what it learns of a server's. Ends when all were answered; fails where one could not be.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';

import { visitsTo } from './visits.ts';

/** Whom they ask, and how many they are. */
export interface OwnCrowd {
  readonly front: Pick<AddressInfo, 'address' | 'port'>;
  /** Where its guests say that they are ready. */
  readonly notify: Pick<AddressInfo, 'address' | 'port'>;
  /** The host where nobody has a place, and the one where each has. */
  readonly hosts: { readonly full: string; readonly roomy: string };
  readonly visitors: number;
  readonly atOnce: number;
}

/** What this thread says: where its guests serve HTTP. Then it is told once that visitors may come. */
export type GuestPort = number;
/** What it is told after that: the token of a guest that is to say that it is ready. */
export type BootToken = string;

if (parentPort === null) throw new Error('this is a thread of an ingress, and no program');
const ingress = parentPort;
const { front, notify, hosts, visitors, atOnce } = workerData as OwnCrowd;
const VISITS = visitsTo(hosts);

/** Asks, and on with the next where an answer comes, which is thrown away. Resolves once the connection is over. */
const talk = ({ address: host, port }: OwnCrowd['front'], requests: readonly string[]): Promise<void> =>
  new Promise((resolve, reject) => {
    const left = [...requests];
    const goOn = (): void => {
      const next = left.shift();
      if (next === undefined) socket.end();
      else socket.write(next);
    };
    const socket = connect({ host, port }, goOn);
    socket.once('error', reject);
    socket.once('close', () => resolve());
    socket.on('data', goOn);
  });

// One after the other: the notify server gives no peer more than a few connections.
let told: Promise<unknown> = Promise.resolve();
const tellReady = (token: BootToken): void => {
  const notice = `POST /${token}/ready/edom-127-0-0-1 HTTP/1.1\r\nHost: notify\r\nContent-Length: 0\r\n\r\n`;
  // A guest that cannot is waited for no longer than a moment.
  told = told.then(() => talk(notify, [notice])).catch(() => undefined);
};

const comeAll = async (): Promise<void> => {
  for (let come = 0; come < visitors; come += atOnce) {
    const count = Math.min(visitors - come, atOnce);
    await Promise.all(Array.from({ length: count }, (_, i) => talk(front, VISITS[(come + i) % VISITS.length] ?? [])));
  }
};

const guests = createServer((_request, response) => {
  response.writeHead(200, { 'Content-Type': 'text/html', Connection: 'close' }).end(`${'.'.repeat(79)}\n`.repeat(25));
});
guests.listen(0, '127.0.0.1');
await once(guests, 'listening');
const mayCome = once(ingress, 'message');
ingress.postMessage((guests.address() as AddressInfo).port satisfies GuestPort);
await mayCome;
ingress.on('message', tellReady);
await comeAll();
guests.close();
ingress.close();

import { request as httpRequest } from 'node:http';
import type { ClientRequest } from 'node:http';
import type { Socket } from 'node:net';

import type { Head } from '../head/types.ts';
import { requestHeaders } from './message.ts';

const MAX_HEAD_BYTES = 16 * 1024;
const NOTHING = Buffer.alloc(0);

/** A request on its way to a guest, with its head written into it: whole where it has no body. */
export interface Onward {
  readonly request: ClientRequest;
  /** Sends it over this connection, which nothing was sent over before. Once alone. */
  readonly sendOver: (socket: Socket) => void;
}

/** Makes a request that has no connection yet, so that all is done by the time its guest is reachable but to send it. */
export const createOnward = (head: Head): Onward => {
  let sendOver: Onward['sendOver'] = () => undefined;
  const request = httpRequest({
    createConnection: (_, connected) => {
      sendOver = (socket) => connected(null, socket);
      return undefined;
    },
    method: head.method,
    path: head.target,
    headers: requestHeaders(head),
    setHost: false,
    setDefaultHeaders: false,
    maxHeaderSize: MAX_HEAD_BYTES,
  });
  if (head.framing.kind === 'none') request.end();
  // The head at once; flushHeaders() would write bytes above 0x7F of it as UTF-8, and so as others than came.
  else request.write(NOTHING);
  return { request, sendOver: (socket) => sendOver(socket) };
};

import { connect } from 'node:net';
import type { Socket } from 'node:net';

import type { Clock } from '#controller/kube/clock.ts';
import type { GuestAddress } from './types.ts';

/** A guest that vanishes sends no FIN; the kernel then asks after it, this long after it was last heard. */
const PROBE_AFTER_MS = 1_000;

export type Connected =
  { readonly kind: 'connected'; readonly socket: Socket } | { readonly kind: 'failed'; readonly cause: string };

/** A connection to a guest, of one request alone; never rejects. */
export const connectTo = (guest: GuestAddress, ms: number, clock: Clock, signal: AbortSignal): Promise<Connected> => {
  if (guest.kind === 'connected') {
    const { socket } = guest;
    if (socket.destroyed) return Promise.resolve({ kind: 'failed', cause: 'the connection ended before it was used' });
    return Promise.resolve({ kind: 'connected', socket: prepare(socket) });
  }
  const { address: host, port } = guest;
  return new Promise((resolve) => {
    const socket = connect({ host, port, allowHalfOpen: true });
    const finish = (result: Connected) => {
      timer.cancel();
      signal.removeEventListener('abort', onAbort);
      if (result.kind === 'failed') socket.destroy();
      resolve(result);
    };
    const fail = (cause: string) => finish({ kind: 'failed', cause });
    const onAbort = () => fail('aborted');
    const timer = clock.after(ms, () => fail(`no connection within ${ms} ms`));
    signal.addEventListener('abort', onAbort, { once: true });
    socket.on('error', (error: NodeJS.ErrnoException) => fail(error.code ?? error.message));
    socket.once('connect', () => finish({ kind: 'connected', socket: prepare(socket) }));
  });
};

const prepare = (socket: Socket): Socket => socket.setNoDelay(true).setKeepAlive(true, PROBE_AFTER_MS);

import { request } from 'node:http';
import { connect } from 'node:net';

/** What is looked at, at a guest's own address. */
export type Probe =
  | { readonly kind: 'tcp'; readonly address: string; readonly port: number }
  | { readonly kind: 'http'; readonly address: string; readonly port: number; readonly path: string };

/** Most bytes of an answer's head; a guest is not trusted. */
const MAX_HEAD_BYTES = 8_192;
/** How long an HTTP server may take for its answer once it is connected. */
const ANSWER_MS = 2_000;

/**
 * Looks once whether a guest can be used; false also where that cannot be told within the time: `connectMs` for the
 * connection and, for HTTP, two seconds more for the answer's head, of which no body is read. Never rejects.
 */
export const probe = (what: Probe, connectMs: number, signal: AbortSignal): Promise<boolean> => {
  if (signal.aborted) return Promise.resolve(false);
  switch (what.kind) {
    case 'tcp':
      return probeTcp(what, connectMs, signal);
    case 'http':
      return probeHttp(what, connectMs, signal);
  }
};

const probeTcp = (
  { address, port }: Extract<Probe, { kind: 'tcp' }>,
  connectMs: number,
  signal: AbortSignal,
): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host: address, port, signal, noDelay: true });
    const finish = (isOpen: boolean) => {
      clearTimeout(timer);
      resolve(isOpen);
      socket.destroy();
    };
    const timer = setTimeout(() => finish(false), connectMs);
    socket.once('connect', () => finish(true));
    // Refused, unreachable, aborted: not ready, whatever it is. Stays: a socket may fail once more while it is closed.
    socket.on('error', () => finish(false));
  });

const probeHttp = (
  { address, port, path }: Extract<Probe, { kind: 'http' }>,
  connectMs: number,
  signal: AbortSignal,
): Promise<boolean> =>
  new Promise((resolve) => {
    const headers = { 'user-agent': 'hatchery-readiness', accept: '*/*', connection: 'close' };
    const asked = request({
      ...{ host: address, port, path, headers, signal, agent: false },
      maxHeaderSize: MAX_HEAD_BYTES,
    });
    const finish = (isReady: boolean) => {
      clearTimeout(timer);
      resolve(isReady);
      asked.destroy();
    };
    let timer = setTimeout(() => finish(false), connectMs);
    asked.once('socket', (socket) => {
      socket.once('connect', () => {
        clearTimeout(timer);
        timer = setTimeout(() => finish(false), ANSWER_MS);
      });
    });
    asked.once('response', ({ statusCode = 0 }) => finish(statusCode >= 200 && statusCode < 400));
    // An upgrade that nobody asked for: no answer to our question.
    asked.once('upgrade', () => finish(false));
    asked.on('error', () => finish(false));
    asked.end();
  });

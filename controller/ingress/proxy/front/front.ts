import type { Server as HttpServer } from 'node:http';
import { Server as NetServer } from 'node:net';
import type { AddressInfo } from 'node:net';

import { sleep } from '#controller/kube/clock.ts';
import { Desk } from './desk.ts';
import { createIntake1 } from './intake1.ts';
import { createIntake2 } from './intake2.ts';
import type { Intake2 } from './intake2.ts';
import type { FrontOptions, Listen } from './options.ts';

export interface DrainLimits {
  /** How long it goes on accepting, so that whoever sends visitors here learns of it. */
  readonly delayMs: number;
  /** How long idle connections stay open after that: a request may be on its way on them. */
  readonly idleMs: number;
  /** How long requests may take from the beginning of the drain, and upgraded connections. */
  readonly limitMs: number;
  readonly upgradedLimitMs: number;
  /** How long an HTTP/2 visitor may take to hear the end of its last answer and close, once all requests are over. */
  readonly lastBytesMs: number;
}

export const DRAIN_LIMITS: DrainLimits = {
  delayMs: 5_000,
  idleMs: 5_000,
  limitMs: 60_000,
  upgradedLimitMs: 300_000,
  lastBytesMs: 2_000,
};

export interface Drained {
  /** Requests and upgraded connections that were cut at their limit. */
  readonly cut: number;
}

/** The server that visitors reach. */
export interface Front {
  readonly http: AddressInfo;
  readonly https: AddressInfo | undefined;
  /** Requests under way, those that wait for their turn, and upgraded connections. */
  readonly counts: () => { readonly requests: number; readonly waiting: number; readonly upgraded: number };
  readonly isDraining: () => boolean;
  /** Another certificate for visitors without SNI, from the next handshake on. */
  readonly setDefaultCertificate: (certificate: { readonly cert: string; readonly key: string }) => void;
  /** Stops without losing a request: resolves when nothing is open any more. */
  readonly drain: (limits: DrainLimits) => Promise<Drained>;
  /** Stops at once. */
  readonly close: () => Promise<void>;
}

/** Begins to listen. Rejects with the system's error where an address cannot be listened on. */
export const startFront = async (options: FrontOptions): Promise<Front> => {
  const { clock, limits } = options;
  const desk = new Desk(options);
  let draining = false;
  const { server: http1, lines } = createIntake1(options, desk, () => draining);
  const intake2 = options.https === undefined ? undefined : createIntake2(options, options.https, desk, http1);
  const servers: readonly NetServer[] = intake2 === undefined ? [http1] : [http1, intake2.server];
  const http = await listen(http1, options.http, limits.backlog);
  const https = await listenToTls(options, intake2, http1);

  const counts = () => {
    const upgraded = desk.underway.filter((entry) => entry.isUpgraded).length;
    return { requests: desk.underway.length - upgraded, waiting: lines.waiting, upgraded };
  };
  const destroyAll = () => {
    for (const entry of desk.underway) entry.cut();
    http1.closeAllConnections();
    intake2?.destroyAll();
  };
  const close = async () => {
    const closed = servers.map(stopListening);
    destroyAll();
    await Promise.all(closed);
    http1.close();
  };
  /** Waits until a condition holds, looked at when a request is over, or something else is, or time is up. */
  const until = (holds: () => boolean, ms: number, on = desk.onOver.bind(desk)): Promise<void> =>
    new Promise((resolve) => {
      const finish = () => {
        timer.cancel();
        forget();
        resolve();
      };
      const look = () => {
        if (holds()) finish();
      };
      const timer = clock.after(ms, finish);
      const forget = on(look);
      look();
    });
  const cutRest = async (upgraded: boolean): Promise<number> => {
    const late = desk.underway.filter((entry) => entry.isUpgraded === upgraded);
    for (const entry of late) entry.cut();
    // Each answers with a line of 503 or not at all: a moment for the writes.
    await until(() => !desk.underway.some((entry) => entry.isUpgraded === upgraded), 1_000);
    return late.length;
  };
  const drain = async (drainLimits: DrainLimits): Promise<Drained> => {
    const began = clock.now();
    const left = (ms: number) => Math.max(0, ms - (clock.now() - began));
    draining = true;
    intake2?.beginToLeave();
    if (drainLimits.delayMs > 0) await sleep(clock, drainLimits.delayMs);
    const closed = servers.map(stopListening);
    await sleep(clock, drainLimits.idleMs);
    http1.closeIdleConnections();
    intake2?.sayGoodbye();
    await until(() => counts().requests + counts().waiting === 0, left(drainLimits.limitMs));
    const requests = await cutRest(false);
    await until(() => counts().upgraded === 0, left(drainLimits.upgradedLimitMs));
    const upgraded = await cutRest(true);
    // A stream is over before its last bytes are on their way.
    if (intake2 !== undefined) await until(() => intake2.count() === 0, drainLimits.lastBytesMs, intake2.onClosed);
    destroyAll();
    await Promise.all(closed);
    http1.close();
    return { cut: requests + upgraded };
  };
  return {
    http,
    https,
    counts,
    isDraining: () => draining,
    setDefaultCertificate: (certificate) => intake2?.server.setSecureContext(certificate),
    drain,
    close,
  };
};

/** The HTTP server stays if the other cannot listen, so it is closed. */
const listenToTls = async (
  { https, limits }: FrontOptions,
  intake2: Intake2 | undefined,
  http1: HttpServer,
): Promise<AddressInfo | undefined> => {
  if (https === undefined || intake2 === undefined) return undefined;
  try {
    return await listen(intake2.server, https.listen, limits.backlog);
  } catch (error) {
    http1.close();
    throw error;
  }
};

const listen = (server: NetServer, { host, port }: Listen, backlog: number): Promise<AddressInfo> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, backlog, ...(host === undefined ? {} : { host }) }, () => {
      server.removeListener('error', reject);
      const address = server.address();
      if (address === null || typeof address === 'string') reject(new Error('a server on TCP has an address'));
      else resolve(address);
    });
  });

/** Closes the listener alone: an HTTP server's own close() also closes idle connections, and loses what is on its way there. */
const stopListening = (server: NetServer): Promise<void> =>
  new Promise((resolve) => {
    NetServer.prototype.close.call(server, () => resolve());
  });

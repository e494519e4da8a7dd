import { connect } from 'node:net';
import type { Socket } from 'node:net';

import { sleep } from '#controller/kube/index.ts';
import type { Clock } from '#controller/kube/index.ts';
import { probe } from '#controller/notify/index.ts';

/** From one attempt to connect until the next, however soon it was refused. */
const PACE_MS = 4;
/**
 * An attempt that begins before the guest listens would wait out the kernel's own timers, a second and more: it is given up
 * and begun anew. The longer it goes on the more it is given, for a guest that is only far away: a fiftieth of it.
 */
const GIVE_UP_MS = { first: 25, most: 250, patience: 0.02 } as const;
const PROBE_MS = 100;

/**
 * Connects to a guest's port, one attempt at a time, until one succeeds: that one is the request's own connection, and the
 * only one that the guest ever saw. Undefined when the signal aborts before. Never rejects.
 */
export async function connectGuest(
  address: string,
  port: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<Socket | undefined> {
  const begun = clock.now();
  while (!signal.aborted) {
    const at = clock.now();
    const within = Math.min(Math.max(GIVE_UP_MS.first, (at - begun) * GIVE_UP_MS.patience), GIVE_UP_MS.most);
    const socket = await attempt(address, port, within, clock, signal);
    if (socket !== undefined) return socket;
    await sleep(clock, Math.max(PACE_MS - (clock.now() - at), 0), signal);
  }
  return undefined;
}

function attempt(
  host: string,
  port: number,
  withinMs: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, noDelay: true });
    const finish = (isUp: boolean) => {
      timer.cancel();
      signal.removeEventListener('abort', giveUp);
      socket.removeListener('connect', succeed);
      if (!isUp) socket.destroy();
      resolve(isUp ? socket : undefined);
    };
    const giveUp = () => finish(false);
    const succeed = () => finish(true);
    const timer = clock.after(withinMs, giveUp);
    signal.addEventListener('abort', giveUp, { once: true });
    socket.once('connect', succeed);
    // Stays: until somebody takes the connection over, its end is heard of when it is used.
    socket.on('error', giveUp);
  });
}

/** Whether a GET of the path is answered well, tried again and again; false when the signal aborts before. Never rejects. */
export async function awaitAnswer(
  what: { readonly address: string; readonly port: number; readonly path: string },
  periodMs: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<boolean> {
  while (!signal.aborted) {
    const at = clock.now();
    if (await probe({ kind: 'http', ...what }, PROBE_MS, signal)) return true;
    await sleep(clock, Math.max(periodMs - (clock.now() - at), 0), signal);
  }
  return false;
}

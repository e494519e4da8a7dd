import type { Socket } from 'node:net';

import type { Clock } from '#controller/kube/clock.ts';
import type { ReadAhead } from '../read-ahead.ts';

export interface ClosingLimits {
  readonly drainBytes: number;
  readonly drainMs: number;
}

/**
 * Closes a connection whose visitor is still sending: closing it at once resets it, and a reset can overtake the answer
 * (RFC 9112, 9.6). So our side is ended, what comes is read and thrown away within limits, and only then is it closed.
 */
export const closeGently = (socket: Socket, body: ReadAhead, limits: ClosingLimits, clock: Clock): void => {
  const until = body.received + limits.drainBytes;
  const timer = clock.after(limits.drainMs, () => socket.destroy());
  socket.once('close', () => timer.cancel());
  socket.end();
  body.drop();
  const watch = async (): Promise<void> => {
    while (body.state === 'open' && body.received < until) await body.changed();
    socket.destroy();
  };
  void watch();
};

import { Socket } from 'node:net';

import type { Clock } from '#controller/kube/clock.ts';
import type { ReadAhead } from '../read-ahead.ts';
import type { Rush } from '../rush.ts';

export interface ClosingLimits {
  readonly drainBytes: number;
  readonly drainMs: number;
}

/**
 * Closes a connection whose visitor is still sending: closing it at once resets it, and a reset can overtake the answer
 * (RFC 9112, 9.6). So our side is ended, and what comes is read and thrown away until it ends. Of a longer body no more is
 * read after a while, but its connection is kept for the rest of the time: a visitor who finds it closed while it still
 * sends may never look for an answer.
 */
export const closeGently = (socket: Socket, body: ReadAhead, limits: ClosingLimits, clock: Clock): void => {
  const until = body.received + limits.drainBytes;
  const timer = clock.after(limits.drainMs, () => socket.destroy());
  socket.once('close', () => {
    timer.cancel();
    body.abandon();
  });
  socket.end();
  body.drop();
  const watch = async (): Promise<void> => {
    while (body.state === 'open' && body.received < until) await body.changed();
    if (body.state === 'open') body.halt();
    else socket.destroy();
  };
  void watch();
};

/**
 * Has a connection closed that its visitor wants nothing more of, once the rush about it is answered: to close one takes
 * as long as to refuse one. The end of who leaves meanwhile is not looked at, which would have it closed at once.
 */
export const closeAfterRush = (socket: Socket, rush: Rush): void => {
  socket.destroySoon = () => {
    socket.pause();
    rush.answered(() => Socket.prototype.destroySoon.call(socket));
  };
};

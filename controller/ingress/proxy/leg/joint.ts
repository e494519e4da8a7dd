import type { Duplex } from 'node:stream';

import type { Clock, Timer } from '#controller/kube/clock.ts';
import type { ReadAhead } from '../read-ahead.ts';
import type { Fault, LegLimits } from './types.ts';

export interface Side {
  /** What comes from there. */
  readonly from: ReadAhead;
  readonly to: Duplex;
}

export interface JointOptions {
  readonly visitor: Side;
  readonly guest: Side;
  readonly limits: Pick<LegLimits, 'idleMs' | 'halfClosedMs'>;
  readonly clock: Clock;
  /** The visitor is to be cut off. */
  readonly signal: AbortSignal;
  /** The guest is gone. */
  readonly ended: Promise<unknown>;
}

/**
 * Joins two streams after an upgrade: bytes and each side's end are passed on, until both have ended, one broke, nothing
 * moved for long, or the second takes long to end after the first. Then both are destroyed.
 */
export const join = async (options: JointOptions): Promise<Fault | undefined> => {
  const { visitor, guest, limits, clock, signal } = options;
  let fault: Fault | undefined;
  let stop: () => void = () => undefined;
  const stopped = new Promise<void>((resolve) => (stop = resolve));
  const fail = (why: Fault) => {
    fault ??= why;
    stop();
  };
  const watch = idleWatch(clock, limits.idleMs, () => fail('idle'));
  let half: Timer | undefined;
  const onEnd = () => (half ??= clock.after(limits.halfClosedMs, stop));
  const leave = () => fail('visitor-left');
  signal.addEventListener('abort', leave, { once: true });
  if (signal.aborted) leave();
  void options.ended.then(() => fail('guest-ended'));
  const both = Promise.all([
    passOn(visitor.from, guest.to, watch.moved, onEnd),
    passOn(guest.from, visitor.to, watch.moved, onEnd),
  ]);
  await Promise.race([both, stopped]);
  watch.stop();
  half?.cancel();
  signal.removeEventListener('abort', leave);
  visitor.to.destroy();
  guest.to.destroy();
  return fault;
};

/** Resolves when a side has ended and that was passed on; a side that broke takes the other with it. */
const passOn = async (from: ReadAhead, to: Duplex, moved: () => void, onEnd: () => void): Promise<void> => {
  for (let chunk = await from.next(); chunk !== undefined; chunk = await from.next()) {
    moved();
    if (to.destroyed || !to.writable) break;
    if (!to.write(chunk)) await eitherOf(to);
    moved();
  }
  if (from.state === 'broken') {
    to.destroy();
    return;
  }
  onEnd();
  if (to.writable) to.end();
};

const eitherOf = (stream: Duplex): Promise<void> =>
  new Promise((resolve) => {
    if (stream.destroyed) {
      resolve();
      return;
    }
    const finish = () => {
      stream.removeListener('drain', finish);
      stream.removeListener('close', finish);
      resolve();
    };
    stream.on('drain', finish);
    stream.on('close', finish);
  });

const idleWatch = (clock: Clock, ms: number, onIdle: () => void): { moved: () => void; stop: () => void } => {
  let last = clock.now();
  const look = () => {
    const left = ms - (clock.now() - last);
    if (left <= 0) onIdle();
    else timer = clock.after(left, look);
  };
  let timer = clock.after(ms, look);
  return { moved: () => (last = clock.now()), stop: () => timer.cancel() };
};

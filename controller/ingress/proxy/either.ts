import type { EventEmitter } from 'node:events';

/** Resolves at the first of two events. Neither is listened to after that, so that many waits leave nothing behind. */
export const eitherOf = (emitter: EventEmitter, one: string, other: string): Promise<void> =>
  new Promise((resolve) => {
    const finish = () => {
      emitter.removeListener(one, finish);
      emitter.removeListener(other, finish);
      resolve();
    };
    emitter.on(one, finish);
    emitter.on(other, finish);
  });

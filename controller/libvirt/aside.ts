import type { Connection } from './connection.ts';
import type { LibvirtError } from './errors.ts';
import type { Dependent, Keeper } from './keeper.ts';
import { openConnection } from './open.ts';
import type { OpenSettings } from './open.ts';

/** A connection for one stream. */
export interface Aside {
  readonly connection: Connection;
  /** What is done at the daemon first when the hypervisor is closed; to resolve in bounded time, and never to reject. */
  beforeClose(leave: (error: LibvirtError) => Promise<void>): void;
  /** Ends it. */
  release(): void;
}

/**
 * Opens a connection for one stream. It goes with the session at the latest: the session notices a daemon that has
 * fallen silent, which a stream that waits for output cannot.
 */
export const openAside = async (settings: OpenSettings, keeper: Keeper, procedure: string): Promise<Aside> => {
  if (keeper.session === undefined) throw keeper.absent(procedure);
  const opening = openConnection(settings, { onEvent: ignore, onLost: ignore }, false);
  const dependent: Dependent = { abort: (kind, why) => opening.abort(kind, why), leave: undefined };
  const forget = keeper.depend(dependent);
  const release = (): void => {
    forget();
    opening.abort('closed', 'the stream is over');
  };
  try {
    await opening.opened;
  } catch (error) {
    release();
    throw error;
  }
  const beforeClose: Aside['beforeClose'] = (leave) => {
    dependent.leave = leave;
  };
  return { connection: opening.connection, beforeClose, release };
};

/** No event is registered on it, and its loss is told to its stream. */
const ignore = (): void => undefined;

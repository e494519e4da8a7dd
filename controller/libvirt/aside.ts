import type { Connection } from './connection.ts';
import type { Keeper } from './keeper.ts';
import { openConnection } from './open.ts';
import type { OpenSettings } from './open.ts';

/** A connection for one stream. */
export interface Aside {
  readonly connection: Connection;
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
  const forget = keeper.depend(opening);
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
  return { connection: opening.connection, release };
};

/** No event is registered on it, and its loss is told to its stream. */
const ignore = (): void => undefined;

import type { Clock } from './clock.ts';
import type { KubeLogger } from './logger.ts';
import type { KubeObject } from './types.ts';

/**
 * How the store came to know that an object is gone.
 * - deleted: DELETED on a watch without selector: certain.
 * - unmatched: DELETED on a watch with a selector, or put() of an object that `accepts` refuses: deleted or only no
 *   longer selected; confirmDeletion() (a live GET) decides.
 * - missing: absent from a new list (with a selector: again perhaps only unselected).
 * - replaced: another UID stands under the key: certain; the addition follows at once.
 */
export type Disappearance = 'deleted' | 'unmatched' | 'missing' | 'replaced';

/** Called in order, synchronously with the change. What they throw (or reject with) is logged and goes no further. */
export interface StoreHandlers<T> {
  added?(object: T): void | Promise<void>;
  updated?(object: T, previous: T): void | Promise<void>;
  /** `object` is the last known state. */
  deleted?(object: T, how: Disappearance): void | Promise<void>;
}

/** The cached objects of one type. Objects are shared: never change them. */
export interface Store<T extends KubeObject, I extends string = string> {
  readonly size: number;
  get(key: string): T | undefined;
  list(): readonly T[];
  keys(): readonly string[];
  byIndex(index: I, value: string): readonly T[];
  indexValues(index: I): readonly string[];
  /**
   * Stores a write's own response, so that the cache is never older than our last write. Older than (or the same as) what
   * is stored, or known to be deleted since: ignored. Returns whether it was taken.
   */
  put(object: T): boolean;
  /** Calls `added` for all there is, then for each change. Returns the way out. */
  addHandlers(handlers: StoreHandlers<T>): () => void;
  /** Whether a first whole list is in, and its handlers were called. */
  hasSynced(): boolean;
  /** Resolves true once synced, false if the signal aborts before. */
  waitForSync(signal?: AbortSignal): Promise<boolean>;
}

/** What a reflector does to a store. */
export interface StoreSink<T extends KubeObject> {
  /** A whole list as of `resourceVersion`; what is missing in it and not newer is deleted. */
  replaceAll(items: readonly T[], resourceVersion: string, options?: { readonly historyChanged?: boolean }): void;
  upsert(object: T): void;
  remove(object: T, how: 'deleted' | 'unmatched'): void;
}

export interface StoreOptions<T extends KubeObject, I extends string> {
  /** Index name -> values under which an object is found. */
  readonly indexers?: Readonly<Record<I, (object: T) => readonly string[]>>;
  /** For watches with a selector: whether put() of this object belongs into the store. */
  readonly accepts?: (object: T) => boolean;
  readonly clock?: Clock;
  readonly logger?: KubeLogger;
}

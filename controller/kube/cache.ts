import { systemClock } from './clock.ts';
import { Indexes } from './indexes.ts';
import { silentLogger } from './logger.ts';
import type { KubeLogger } from './logger.ts';
import { compareResourceVersions } from './resource-version.ts';
import type { Disappearance, Store, StoreHandlers, StoreOptions, StoreSink } from './store.ts';
import { Tombstones } from './tombstones.ts';
import { keyOf } from './types.ts';
import type { KubeObject } from './types.ts';

/** An empty store, to be fed by one reflector. */
export function createStore<T extends KubeObject, I extends string = never>(
  options: StoreOptions<T, I> = {},
): Store<T, I> & StoreSink<T> {
  return new Cache(options);
}

/**
 * The rule for every change: of two states of one key the one with the newer resourceVersion stays, whichever way it came.
 * So a slow watch cannot undo a put(), and a slow put() cannot undo a watch.
 */
class Cache<T extends KubeObject, I extends string> implements Store<T, I>, StoreSink<T> {
  readonly #objects = new Map<string, T>();
  readonly #indexes: Indexes<T, I>;
  readonly #tombstones: Tombstones;
  readonly #accepts: (object: T) => boolean;
  readonly #logger: KubeLogger;
  readonly #handlers = new Set<StoreHandlers<T>>();
  readonly #synced = Promise.withResolvers<true>();
  #hasSynced = false;

  constructor(options: StoreOptions<T, I>) {
    this.#logger = options.logger ?? silentLogger;
    this.#tombstones = new Tombstones(options.clock ?? systemClock);
    this.#accepts = options.accepts ?? (() => true);
    this.#indexes = new Indexes<T, I>(options.indexers, (index, key, error) => {
      this.#logger.error('an indexer failed', { index, key, error: String(error) });
    });
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  list(): readonly T[] {
    return [...this.#objects.values()];
  }

  keys(): readonly string[] {
    return [...this.#objects.keys()];
  }

  byIndex(index: I, value: string): readonly T[] {
    return this.#indexes.find(index, value);
  }

  indexValues(index: I): readonly string[] {
    return this.#indexes.values(index);
  }

  put(object: T): boolean {
    const stripped = withoutManagedFields(object);
    if (this.#accepts(stripped)) return this.#take(stripped);
    this.remove(stripped, 'unmatched');
    return false;
  }

  upsert(object: T): void {
    this.#take(object);
  }

  remove(object: T, how: 'deleted' | 'unmatched'): void {
    const key = keyOf(object.metadata);
    const stored = this.#objects.get(key);
    const { resourceVersion } = object.metadata;
    // A newer state is stored: by put() after this was sent, or of another UID. The watch will tell what becomes of it.
    if (stored !== undefined && compareResourceVersions(resourceVersion, stored.metadata.resourceVersion) < 0) return;
    this.#tombstones.add(key, resourceVersion);
    if (stored !== undefined) this.#drop(key, stored, how);
  }

  replaceAll(items: readonly T[], resourceVersion: string, options: { readonly historyChanged?: boolean } = {}): void {
    const historyChanged = options.historyChanged === true;
    if (historyChanged) this.#tombstones.clear();
    const listed = new Set(items.map((item) => keyOf(item.metadata)));
    for (const [key, stored] of this.#objects) {
      const newer = compareResourceVersions(stored.metadata.resourceVersion, resourceVersion) > 0;
      if (listed.has(key) || (newer && !historyChanged)) continue;
      if (!historyChanged) this.#tombstones.add(key, resourceVersion);
      this.#drop(key, stored, 'missing');
    }
    for (const item of items) this.#take(item, historyChanged);
    if (this.#hasSynced) return;
    this.#hasSynced = true;
    this.#synced.resolve(true);
  }

  addHandlers(handlers: StoreHandlers<T>): () => void {
    this.#handlers.add(handlers);
    for (const object of this.list()) this.#call(object, () => handlers.added?.(object));
    return () => this.#handlers.delete(handlers);
  }

  hasSynced(): boolean {
    return this.#hasSynced;
  }

  async waitForSync(signal?: AbortSignal): Promise<boolean> {
    if (this.#hasSynced || signal === undefined) return this.#synced.promise;
    const gaveUp = Promise.withResolvers<false>();
    const onAbort = (): void => gaveUp.resolve(false);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    const synced = await Promise.race([this.#synced.promise, gaveUp.promise]);
    signal.removeEventListener('abort', onAbort);
    return synced;
  }

  /** Stores what is newer than what is known, and tells. `force`: resource versions of before count no more. */
  #take(object: T, force = false): boolean {
    const key = keyOf(object.metadata);
    const { uid, resourceVersion } = object.metadata;
    const stored = this.#objects.get(key);
    const order = stored === undefined ? 1 : compareResourceVersions(resourceVersion, stored.metadata.resourceVersion);
    if (order === 0 && stored?.metadata.uid === uid) return false;
    if (!force && (order < 0 || this.#tombstones.covers(key, resourceVersion))) return false;
    if (stored !== undefined && stored.metadata.uid !== uid) {
      this.#drop(key, stored, 'replaced');
      this.#add(key, object);
      return true;
    }
    if (stored === undefined) {
      this.#add(key, object);
      return true;
    }
    this.#objects.set(key, object);
    this.#indexes.change(key, stored, object);
    this.#tell(object, (handlers) => handlers.updated?.(object, stored));
    return true;
  }

  #add(key: string, object: T): void {
    this.#objects.set(key, object);
    this.#indexes.change(key, undefined, object);
    this.#tell(object, (handlers) => handlers.added?.(object));
  }

  #drop(key: string, stored: T, how: Disappearance): void {
    this.#objects.delete(key);
    this.#indexes.change(key, stored, undefined);
    this.#tell(stored, (handlers) => handlers.deleted?.(stored, how));
  }

  #tell(object: T, call: (handlers: StoreHandlers<T>) => void | Promise<void>): void {
    for (const handlers of this.#handlers) this.#call(object, () => call(handlers));
  }

  #call(object: T, handler: () => void | Promise<void>): void {
    const report = (error: unknown): void => {
      const what = { kind: object.kind, key: keyOf(object.metadata) };
      this.#logger.error('a handler failed', { ...what, error: error instanceof Error ? error.stack : String(error) });
    };
    try {
      handler()?.catch(report);
    } catch (error) {
      report(error);
    }
  }
}

/** managedFields are half of an object's size, and no controller reads them. */
export function withoutManagedFields<T extends KubeObject>(object: T): T {
  if (!('managedFields' in object.metadata)) return object;
  const metadata: Record<string, unknown> = { ...object.metadata };
  delete metadata['managedFields'];
  return { ...object, metadata };
}

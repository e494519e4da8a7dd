import { createReflector, createStore, refOf } from '#controller/kube/index.ts';
import type {
  Clock,
  KubeLogger,
  KubeMetrics,
  KubeObject,
  Random,
  ResourceType,
  RestClient,
} from '#controller/kube/index.ts';

export interface MirrorParts {
  readonly client: RestClient;
  readonly logger: KubeLogger;
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics?: KubeMetrics;
}

/** The cached objects of one kind, of some namespaces or of all. */
export interface Mirror<T extends KubeObject = KubeObject> {
  list(): readonly T[];
  /** By namespace/name. */
  get(key: string): T | undefined;
  /** Takes in the answer to a write of our own. */
  put(object: T): void;
  hasSynced(): boolean;
  run(signal: AbortSignal): Promise<void>;
}

/** `namespaces`: each is listed and watched by itself, so that a right in just these is enough; none: all at once. */
export const mirrorOf = <T extends KubeObject>(
  type: ResourceType<T>,
  { client, logger, clock, random, metrics }: MirrorParts,
  namespaces: readonly string[],
  changed: () => void,
): Mirror<T> => {
  const parts = new Map(
    (namespaces.length === 0 ? [undefined] : [...new Set(namespaces)]).map((namespace) => {
      const store = createStore<T>({ logger });
      store.addHandlers({ added: changed, updated: changed, deleted: changed });
      const shared = { client, logger, clock, random, ...(metrics === undefined ? {} : { metrics }) };
      return [namespace, { store, reflector: createReflector({ ...shared, type, store, namespace }) }];
    }),
  );
  const storeOf = (namespace: string | undefined) => (parts.get(undefined) ?? parts.get(namespace))?.store;
  const all = [...parts.values()];
  return {
    list: () => all.flatMap(({ store }) => store.list()),
    get: (key) => storeOf(refOf(key).namespace)?.get(key),
    put: (object) => void storeOf(object.metadata.namespace)?.put(object),
    hasSynced: () => all.every(({ store }) => store.hasSynced()),
    run: async (signal) => {
      // A list of nothing calls no handler.
      const synced = all.map(async ({ store }) => {
        if (await store.waitForSync(signal)) changed();
      });
      await Promise.all([...all.map(({ reflector }) => reflector.run(signal)), ...synced]);
    },
  };
};

import { EPHEMERAL_DOMAINS, isFinished, RequestLabel } from '#controller/api/index.ts';
import type { EphemeralDomain } from '#controller/api/index.ts';
import { createReflector, createStore, keyOf } from '#controller/kube/index.ts';
import type { Clock, Disappearance, KubeLogger, KubeMetrics, Random, RestClient } from '#controller/kube/index.ts';
import { createToken } from '#controller/notify/index.ts';
import type { NotifyEndpoint, Receiver } from '#controller/notify/index.ts';
import { spawnBody } from './body.ts';
import { History } from './history.ts';
import { SpawnNotices } from './notices.ts';
import { removeResource } from './remove.ts';
import { Spawn } from './spawn.ts';
import type { SpawnParts } from './spawn.ts';
import type { Spawned, SpawnRequest } from './types.ts';

export interface SpawnerOptions {
  readonly rest: RestClient;
  readonly clock: Clock;
  /** For the reflector's back-off. */
  readonly random: Random;
  /** So many random bytes, as hexadecimal digits: what names are told apart by. */
  readonly randomHex: (bytes: number) => string;
  readonly logger: KubeLogger;
  readonly metrics?: KubeMetrics | undefined;
  /** Of this replica, and of no other: valid as a label's value. */
  readonly replica: string;
  /** Each is watched by itself, so that a right in just these is enough; none, or absent: all at once. */
  readonly namespaces?: readonly string[] | undefined;
  /** Where guests reach this replica's notify server; undefined: they do not. */
  readonly notifyEndpoint: () => NotifyEndpoint | undefined;
  /** DomainHost whose domainCIDR holds this address; undefined: none. */
  readonly hostOf: (address: string) => string | undefined;
}

type EdomStore = ReturnType<typeof createStore<EphemeralDomain>>;

interface Entry {
  readonly spawn: Spawn;
  readonly historyLimit: number | undefined;
}

/**
 * Makes the domains of one ingress replica. It watches what it made itself, and nothing else; what it finds there that
 * serves no request any more (a process before this one made it) is deleted.
 */
export class Spawner {
  readonly #options: SpawnerOptions;
  readonly #stores: ReadonlyMap<string | undefined, EdomStore>;
  readonly #parts: SpawnParts;
  readonly #notices: SpawnNotices;
  readonly #history: History;
  readonly #spawns = new Map<string, Entry>();
  readonly #stop = new AbortController();

  constructor(options: SpawnerOptions) {
    this.#options = options;
    const { rest, clock, logger, hostOf, replica } = options;
    const accepts = ({ metadata }: EphemeralDomain) => metadata.labels?.[RequestLabel.Replica] === replica;
    const { namespaces = [] } = options;
    this.#stores = new Map(
      (namespaces.length === 0 ? [undefined] : namespaces).map((namespace) => [
        namespace,
        createStore<EphemeralDomain>({ logger, clock, accepts }),
      ]),
    );
    const synced = async () => {
      const all = [...this.#stores.values()].map((store) => store.waitForSync(this.#stop.signal));
      return (await Promise.all(all)).every((is) => is);
    };
    const created = (resource: EphemeralDomain) => void this.#storeOf(resource.metadata.namespace)?.put(resource);
    this.#parts = { rest, clock, logger, hostOf, synced, created };
    this.#notices = new SpawnNotices({ clock, hostOf });
    this.#history = new History({ rest, logger });
    for (const store of this.#stores.values()) {
      store.addHandlers({
        added: (resource) => this.#seen(resource),
        updated: (resource) => this.#seen(resource),
        deleted: (resource, how) => this.#gone(resource, how),
      });
    }
  }

  /** To be attached to the replica's notify server. */
  get receiver(): Receiver {
    return this.#notices;
  }

  /** Domains of requests, until they are known to be gone. */
  get size(): number {
    return this.#spawns.size;
  }

  /** Whether the watch may be relied on: a domain asked for before that waits for it. */
  isReady(): boolean {
    return [...this.#stores.values()].every((store) => store.hasSynced());
  }

  /** Watches until the signal aborts. What is still under way then is to have been deleted before. */
  async run(signal: AbortSignal): Promise<void> {
    const { rest: client, clock, random, logger, metrics, replica } = this.#options;
    signal.addEventListener('abort', () => this.#stop.abort(), { once: true });
    const shared = { client, type: EPHEMERAL_DOMAINS, clock, random, logger };
    const reflectors = Array.from(this.#stores, ([namespace, store]) =>
      createReflector<EphemeralDomain>({
        ...{ ...shared, store, namespace },
        ...(metrics === undefined ? {} : { metrics }),
        labelSelector: `${RequestLabel.Replica}=${replica}`,
      }),
    );
    await Promise.all(reflectors.map((reflector) => reflector.run(signal)));
  }

  /** Begins to make a request's domain. */
  start(request: SpawnRequest): Spawned {
    const { randomHex, replica, notifyEndpoint } = this.#options;
    const endpoint = notifyEndpoint();
    const notify = endpoint === undefined ? undefined : { ...endpoint, token: createToken() };
    const body = spawnBody(request, { replica, suffix: randomHex(8), notify });
    const spawn = new Spawn(this.#parts, request.backend, body, request.signal);
    const key = keyOf(spawn);
    this.#spawns.set(key, { spawn, historyLimit: request.backend.historyLimit });
    this.#notices.expect(spawn);
    void spawn.ended.then(() => {
      this.#notices.forget(spawn);
      // While the watch still has it, it is not to be taken for a stranger.
      if (this.#storeOf(spawn.namespace)?.get(key) === undefined) this.#spawns.delete(key);
    });
    return spawn;
  }

  /** Deletes all that is under way; resolves when the API server has said so of each. */
  async deleteAll(): Promise<void> {
    await Promise.all([...this.#spawns.values()].map(({ spawn }) => spawn.delete()));
  }

  #storeOf(namespace: string | undefined): EdomStore | undefined {
    return this.#stores.get(undefined) ?? this.#stores.get(namespace);
  }

  #seen(resource: EphemeralDomain): void {
    const entry = this.#spawns.get(keyOf(resource.metadata));
    const isOver = isFinished(resource.status?.phase);
    if (entry === undefined) {
      if (isOver) this.#history.finished(resource, undefined);
      else if (resource.metadata.deletionTimestamp === undefined) this.#sweep(resource);
      return;
    }
    entry.spawn.seen(resource);
    this.#notices.seen(entry.spawn);
    if (!isOver) return;
    this.#spawns.delete(keyOf(resource.metadata));
    this.#history.finished(resource, entry.historyLimit);
  }

  #gone(resource: EphemeralDomain, how: Disappearance): void {
    this.#history.gone(resource);
    const key = keyOf(resource.metadata);
    const spawn = this.#spawns.get(key)?.spawn;
    if (spawn?.hasEnded === true) this.#spawns.delete(key);
    else spawn?.gone(how);
  }

  /** Nobody's: a process before this one made it, or the answer to its POST came too late for its visitor. */
  #sweep({ metadata: { namespace, name, uid } }: EphemeralDomain): void {
    const { logger } = this.#options;
    logger.info('An EphemeralDomain that serves no request any more is deleted', { namespace, name, uid });
    removeResource(this.#parts, { namespace, name }, uid).catch((error: unknown) => {
      logger.error('An EphemeralDomain that serves no request any more stays', { namespace, name, uid, error });
    });
  }
}

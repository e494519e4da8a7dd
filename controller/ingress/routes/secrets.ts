import { createReflector, createStore, refOf, SECRETS } from '#controller/kube/index.ts';
import type { Clock, KubeLogger, Random, RestClient, Secret, Store } from '#controller/kube/index.ts';
import type { SecretReading } from './certificates.ts';

export interface SecretsParts {
  readonly client: RestClient;
  readonly logger: KubeLogger;
  readonly clock: Clock;
  readonly random: Random;
  /** Each is a watch, and so a connection to the API server. */
  readonly most: number;
  /** Something that read() says has changed. */
  readonly changed: () => void;
}

interface Followed {
  readonly store: Store<Secret>;
  readonly stop: AbortController;
  readonly ended: Promise<void>;
  /** Why it could not be read last, until it could. */
  failed: string | undefined;
}

/** Follows Secrets by name, each by a watch of its own: none is read that no Ingress of ours names. */
export class Secrets {
  readonly #parts: SecretsParts;
  readonly #followed = new Map<string, Followed>();
  readonly #ending = new Set<Promise<void>>();
  #wanted: ReadonlySet<string> = new Set<string>();

  constructor(parts: SecretsParts) {
    this.#parts = parts;
  }

  /** Follows these (namespace/name, the most important first) and no others. */
  follow(keys: readonly string[]): void {
    const most = keys.slice(0, this.#parts.most);
    this.#wanted = new Set(most);
    for (const [key, followed] of this.#followed) {
      if (!this.#wanted.has(key)) this.#end(key, followed);
    }
    for (const key of most) {
      if (!this.#followed.has(key)) this.#begin(key);
    }
  }

  read(key: string): SecretReading {
    const followed = this.#followed.get(key);
    if (followed === undefined) return { kind: 'too-many', most: this.#parts.most };
    // What was read once is used on while it cannot be read again.
    const secret = followed.store.get(key);
    if (secret !== undefined) return { kind: 'found', secret };
    if (followed.store.hasSynced()) return { kind: 'missing' };
    return followed.failed === undefined ? { kind: 'awaited' } : { kind: 'unreadable', cause: followed.failed };
  }

  /** Whether each that is followed was read, or is known not to be readable. */
  get settled(): boolean {
    return [...this.#followed.values()].every(({ store, failed }) => store.hasSynced() || failed !== undefined);
  }

  /** Stops following; resolves when all watches have ended. */
  async close(): Promise<void> {
    this.follow([]);
    await Promise.all(this.#ending);
  }

  #begin(key: string): void {
    const { client, logger, clock, random, changed } = this.#parts;
    const { namespace, name } = refOf(key);
    const store = createStore<Secret>({ logger });
    const stop = new AbortController();
    store.addHandlers({ added: changed, updated: changed, deleted: changed });
    void store.waitForSync(stop.signal).then(changed);
    const reflector = createReflector({
      ...{ client, logger, clock, random, type: SECRETS, store, namespace, fieldSelector: `metadata.name=${name}` },
      transform: onlyKeyPair,
      onError: ({ kind }) => {
        followed.failed = kind;
        changed();
      },
    });
    const followed: Followed = { store, stop, ended: reflector.run(stop.signal), failed: undefined };
    this.#followed.set(key, followed);
  }

  #end(key: string, { stop, ended }: Followed): void {
    this.#followed.delete(key);
    stop.abort();
    const done = ended.finally(() => this.#ending.delete(done));
    this.#ending.add(done);
  }
}

/** What else a Secret holds need not be in this process. */
function onlyKeyPair(secret: Secret): Secret {
  const { 'tls.crt': cert, 'tls.key': key } = secret.data ?? {};
  const data = { ...(cert === undefined ? {} : { 'tls.crt': cert }), ...(key === undefined ? {} : { 'tls.key': key }) };
  return { metadata: secret.metadata, data };
}

import { Backoff } from './backoff.ts';
import { withoutManagedFields } from './cache.ts';
import { sleep, systemClock } from './clock.ts';
import type { Clock, Random } from './clock.ts';
import { KubeError, isKubeError } from './errors.ts';
import type { CallSubject } from './errors.ts';
import { silentLogger } from './logger.ts';
import type { KubeLogger } from './logger.ts';
import type { Reflector, ReflectorOptions } from './reflector.ts';
import { errorOfStatus } from './replies.ts';
import { compareResourceVersions } from './resource-version.ts';
import type { ListPage, Selection, WatchEvent } from './rest-client.ts';
import type { KubeObject } from './types.ts';
import { Watchdog } from './watchdog.ts';

const DEFAULT_PAGE_SIZE = 500;
const DEFAULT_BACKOFF = { minMs: 200, maxMs: 30_000 };
/** kube-apiserver sends a bookmark each minute: two and a half of them missing is silence. */
const DEFAULT_IDLE_MS = 150_000;
const DEFAULT_WATCH_SECONDS = 300;
/** A watch that lived so long was well: its end starts the back-off anew. */
const HEALTHY_MS = 5_000;

/** Keeps a store equal to the server's objects of one type: list, then watch from there, for ever. */
export function createReflector<T extends KubeObject>(options: ReflectorOptions<T>): Reflector {
  return new ListWatch(options);
}

class ListWatch<T extends KubeObject> implements Reflector {
  readonly #options: ReflectorOptions<T>;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #logger: KubeLogger;
  readonly #backoff: Backoff;
  readonly #selection: Selection;
  readonly #removal: 'deleted' | 'unmatched';
  #resourceVersion: string | undefined;
  #mustList = true;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    this.#logger = options.logger ?? silentLogger;
    this.#backoff = new Backoff({ ...(options.backoff ?? DEFAULT_BACKOFF), random: this.#random });
    const { namespace, labelSelector, fieldSelector } = options;
    this.#selection = { namespace, labelSelector, fieldSelector };
    this.#removal = (labelSelector ?? '') === '' && (fieldSelector ?? '') === '' ? 'deleted' : 'unmatched';
  }

  get resourceVersion(): string | undefined {
    return this.#resourceVersion;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      let start = this.#clock.now();
      let failure: KubeError | undefined;
      try {
        if (this.#mustList) await this.#list(signal);
        start = this.#clock.now();
        await this.#watch(signal);
      } catch (error) {
        // AbortSignal is read anew: it may have fired while waiting.
        if (isStopped(signal)) return;
        failure = this.#report(error);
      }
      const lived = this.#clock.now() - start;
      if (lived >= HEALTHY_MS) this.#backoff.reset();
      // A server that ends each watch at once, politely or not, must not be asked in a tight loop.
      if (failure === undefined && lived >= HEALTHY_MS) continue;
      await sleep(this.#clock, Math.max(this.#backoff.next(), (failure?.retryAfterSeconds ?? 0) * 1000), signal);
    }
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { store, type, metrics } = this.#options;
    const { items, resourceVersion } = await this.#readPages(signal);
    const before = this.#resourceVersion;
    // A consistent list is never older than an event we saw: then this is another history (etcd restored from a backup).
    const historyChanged = before !== undefined && compareResourceVersions(resourceVersion, before) < 0;
    if (historyChanged) {
      this.#logger.warn('resource versions went back: the list replaces all', {
        kind: type.kind,
        before,
        resourceVersion,
      });
    }
    store.replaceAll(
      items.map((item) => this.#prepare(item)),
      resourceVersion,
      { historyChanged },
    );
    this.#resourceVersion = resourceVersion;
    this.#mustList = false;
    metrics?.reflectorListed(type.kind);
    this.#logger.debug('listed', { kind: type.kind, items: items.length, resourceVersion });
  }

  /** All pages of one snapshot. When it expires between pages, one request for all at once settles it. */
  async #readPages(signal: AbortSignal): Promise<ListPage<T>> {
    const { client, type } = this.#options;
    const limit = this.#options.pageSize ?? DEFAULT_PAGE_SIZE;
    const items: T[] = [];
    let page = await client.list(type, { ...this.#selection, limit, signal });
    for (;;) {
      for (const item of page.items) items.push(item);
      if (page.continue === undefined) return { items, resourceVersion: page.resourceVersion };
      try {
        page = await client.list(type, { ...this.#selection, limit, continue: page.continue, signal });
      } catch (error) {
        if (!isKubeError(error, 'gone')) throw error;
        return client.list(type, { ...this.#selection, signal });
      }
    }
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { client, type } = this.#options;
    const resourceVersion = this.#resourceVersion ?? '';
    const shortest = this.#options.watchTimeoutSeconds ?? DEFAULT_WATCH_SECONDS;
    const timeoutSeconds = Math.floor(shortest * (1 + this.#random()));
    const stream = await client.watch(type, { ...this.#selection, resourceVersion, timeoutSeconds, signal });
    const watchdog = new Watchdog(this.#clock, this.#options.idleTimeoutMs ?? DEFAULT_IDLE_MS, () => stream.close());
    try {
      for await (const events of stream) {
        watchdog.heard();
        for (const event of events) this.#handle(event);
      }
    } catch (error) {
      throw watchdog.expired ? this.#silence() : error;
    } finally {
      watchdog.stop();
      stream.close();
    }
  }

  #handle(event: WatchEvent<T>): void {
    const { store } = this.#options;
    switch (event.type) {
      case 'ADDED':
      case 'MODIFIED':
        this.#advance(event.object.metadata.resourceVersion);
        store.upsert(this.#prepare(event.object));
        return;
      case 'DELETED':
        this.#advance(event.object.metadata.resourceVersion);
        store.remove(this.#prepare(event.object), this.#removal);
        return;
      case 'BOOKMARK':
        this.#advance(event.resourceVersion);
        return;
      case 'ERROR':
        throw errorOfStatus(this.#subject(), event.status);
    }
  }

  #advance(resourceVersion: string): void {
    if (this.#resourceVersion !== undefined && compareResourceVersions(resourceVersion, this.#resourceVersion) < 0) {
      const message = `resource version ${resourceVersion} after ${this.#resourceVersion}`;
      throw new KubeError({ ...this.#subject(), error: 'malformed', message });
    }
    this.#resourceVersion = resourceVersion;
  }

  #prepare(object: T): T {
    const stripped = withoutManagedFields(object);
    try {
      return this.#options.transform?.(stripped) ?? stripped;
    } catch (error) {
      this.#logger.error('a transform failed', { kind: this.#options.type.kind, error: String(error) });
      return stripped;
    }
  }

  #report(error: unknown): KubeError {
    const failure =
      error instanceof KubeError
        ? error
        : new KubeError({ ...this.#subject(), error: 'internal', message: String(error), cause: error });
    this.#mustList ||= needsList(failure);
    this.#options.metrics?.reflectorFailed(this.#options.type.kind, failure.kind);
    // An expired version is the server's everyday way to ask for a new list.
    const log = failure.kind === 'gone' ? 'info' : 'warn';
    this.#logger[log]('list or watch failed', { error: failure.message, cause: failure.kind, relist: this.#mustList });
    try {
      this.#options.onError?.(failure);
    } catch (thrown) {
      this.#logger.error('onError failed', { kind: this.#options.type.kind, error: String(thrown) });
    }
    return failure;
  }

  #silence(): KubeError {
    const seconds = Math.round((this.#options.idleTimeoutMs ?? DEFAULT_IDLE_MS) / 1000);
    const message = `nothing heard for ${seconds} s, not even a bookmark`;
    return new KubeError({ ...this.#subject(), error: 'timeout', status: 200, message });
  }

  #subject(): CallSubject {
    const { type, client, namespace } = this.#options;
    return { verb: 'watch', kind: type.kind, ref: { namespace }, host: new URL(client.server).host };
  }
}

/**
 * Whether the version at hand is of no more use. Kept after a failed connection and when the server asks for patience.
 * Given up when it expired, when it lies in the server's future (a restored etcd), after what cannot be understood (another
 * try would only bring the same line again) and after silence (a server that waits for that future is silent).
 */
function needsList(error: KubeError): boolean {
  switch (error.kind) {
    case 'transport':
    case 'aborted':
    case 'credentials':
    case 'overloaded':
    case 'not-leading':
    case 'too-many-requests':
    case 'unavailable':
    case 'unauthorized':
    case 'forbidden':
      return false;
    case 'timeout':
      // Silence had an answer before it; a watch that could not even be opened says nothing about the version.
      return error.status !== undefined;
    case 'server-timeout':
      return error.fieldErrors.some((cause) => cause.reason === 'ResourceVersionTooLarge');
    case 'gone':
    case 'malformed':
    case 'internal':
    case 'bad-request':
    case 'invalid':
    case 'not-found':
    case 'conflict':
    case 'already-exists':
    case 'too-large':
      return true;
  }
}

function isStopped(signal: AbortSignal): boolean {
  return signal.aborted;
}

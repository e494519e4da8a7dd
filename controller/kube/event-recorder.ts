import { sleep, systemClock } from './clock.ts';
import type { Clock } from './clock.ts';
import { KubeError } from './errors.ts';
import { EventCorrelator, Lru } from './event-correlator.ts';
import type { EventRecord } from './event-correlator.ts';
import type { EventRecorder, EventRecorderOptions } from './events.ts';
import { silentLogger } from './logger.ts';
import type { KubeLogger } from './logger.ts';
import { EVENTS } from './resources.ts';
import type { EventObject } from './resources.ts';
import { apiVersionOf } from './types.ts';
import type { NewObject, ResourceType, KubeObject } from './types.ts';
import { createWorkQueue } from './work-queue.ts';
import type { WorkQueue } from './work-queue.ts';
import { runWorkers } from './workers.ts';
import type { ReconcileResult } from './workers.ts';

const DEFAULT_MAX_QUEUED = 4_096;
const SENDERS = 4;
const MAX_TRIES = 6;
const CALL_TIMEOUT_MS = 10_000;
/** What events.k8s.io allows; longer ones are cut. */
const MAX_MESSAGE = 1_024;
const MAX_REASON = 128;
const KNOWN_ON_SERVER = 4_096;

/** Starts a recorder. It sends until stop(). */
export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  return new Recorder(options);
}

/**
 * Core/v1 events, which kubectl describe and get events show with their count ("3s (x4 over 10s)"); the newer API's series
 * cannot carry client-go's combined messages. The latest record of each event waits under its key, so that repetitions
 * while the server is slow cost one call.
 */
class Recorder implements EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #clock: Clock;
  readonly #logger: KubeLogger;
  readonly #correlator: EventCorrelator;
  readonly #queue: WorkQueue;
  readonly #waiting = new Map<string, EventRecord>();
  readonly #onServer = new Lru<string, true>(KNOWN_ON_SERVER);
  readonly #stopping = new AbortController();
  readonly #senders: Promise<void>;
  #idle: (() => void) | undefined;
  #stopped = false;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#logger = options.logger ?? silentLogger;
    this.#correlator = new EventCorrelator(this.#clock);
    const backoff = { baseMs: 200, maxMs: 10_000 };
    this.#queue = createWorkQueue({ name: 'events', clock: this.#clock, backoff });
    const reconcile = (key: string): Promise<ReconcileResult> => this.#send(key);
    const workers = { controller: 'events', queue: this.#queue, workers: SENDERS, reconcile, clock: this.#clock };
    this.#senders = runWorkers({ ...workers, logger: this.#logger }, this.#stopping.signal);
  }

  event: EventRecorder['event'] = (about, object, type, reason, message) => {
    if (this.#stopped) return;
    const occurrence = {
      about: referenceTo(about, object),
      type,
      reason: reason.slice(0, MAX_REASON),
      message: message.slice(0, MAX_MESSAGE),
    };
    const correlation = this.#correlator.correlate(occurrence);
    if (correlation.kind === 'spam') {
      this.#drop('spam', occurrence.reason, object);
      return;
    }
    const { key, record } = correlation;
    if (!this.#waiting.has(key) && this.#waiting.size >= (this.#options.maxQueued ?? DEFAULT_MAX_QUEUED)) {
      this.#drop('queue_full', occurrence.reason, object);
      return;
    }
    this.#waiting.set(key, record);
    this.#queue.add(key);
  };

  async stop(timeoutMs: number): Promise<number> {
    this.#stopped = true;
    if (this.#waiting.size > 0) {
      const idle = new AbortController();
      this.#idle = () => idle.abort();
      await sleep(this.#clock, timeoutMs, idle.signal);
    }
    this.#stopping.abort();
    await this.#senders;
    return this.#waiting.size;
  }

  async #send(key: string): Promise<ReconcileResult> {
    const record = this.#waiting.get(key);
    if (record === undefined) return { kind: 'done' };
    try {
      await this.#write(key, record);
    } catch (error) {
      if (mayPass(error) && this.#queue.retries(key) < MAX_TRIES) {
        const retryAfter = error instanceof KubeError ? error.retryAfterSeconds : undefined;
        this.#logger.debug('event not sent yet', { error: String(error), retryAfter });
        return { kind: 'retry' };
      }
      this.#options.metrics?.eventDropped('rejected');
      const { reason, about } = record.occurrence;
      this.#logger.warn('event not sent', { reason, about: `${about.kind} ${about.name}`, error: String(error) });
    }
    // Counted up meanwhile: the newer record is sent by the key's next turn, which add() has already asked for.
    if (this.#waiting.get(key) === record) this.#waiting.delete(key);
    if (this.#waiting.size === 0) this.#idle?.();
    return { kind: 'done' };
  }

  /** What is known to be on the server is patched, all else created; each may turn out to be the other. */
  async #write(key: string, record: EventRecord): Promise<void> {
    try {
      if (this.#onServer.get(record.name) === true) await this.#patch(record);
      else await this.#create(record);
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      if (error.kind === 'already-exists') await this.#patch(record);
      else if (error.kind === 'not-found' && error.verb === 'patch')
        await this.#create(this.#correlator.renew(key, record));
      else throw error;
    }
  }

  async #create(record: EventRecord): Promise<void> {
    await this.#options.client.create(EVENTS, this.#body(record), { timeoutMs: CALL_TIMEOUT_MS });
    this.#onServer.set(record.name, true);
  }

  async #patch(record: EventRecord): Promise<void> {
    const { message, count, lastTimestamp } = this.#body(record);
    const patch = { message: message ?? '', count: count ?? 1, lastTimestamp: lastTimestamp ?? '' };
    const ref = { namespace: namespaceOf(record), name: record.name };
    await this.#options.client.patch(EVENTS, ref, patch, { timeoutMs: CALL_TIMEOUT_MS });
    this.#onServer.set(record.name, true);
  }

  #body(record: EventRecord): NewObject<EventObject> {
    const { about, type, reason, message } = record.occurrence;
    const { component, instance } = this.#options;
    return {
      metadata: { namespace: namespaceOf(record), name: record.name },
      involvedObject: about,
      type,
      reason,
      message,
      count: record.count,
      firstTimestamp: seconds(record.first),
      lastTimestamp: seconds(record.last),
      source: { component },
      reportingComponent: component,
      reportingInstance: instance,
    };
  }

  #drop(why: 'spam' | 'queue_full', reason: string, object: KubeObject): void {
    this.#options.metrics?.eventDropped(why);
    this.#logger.debug('event dropped', { why, reason, name: object.metadata.name });
  }
}

/** Events about what has no namespace live in 'default', where kubectl describe looks for them. */
function namespaceOf(record: EventRecord): string {
  return record.occurrence.about.namespace ?? 'default';
}

function referenceTo(type: ResourceType<KubeObject>, object: KubeObject): EventObject['involvedObject'] {
  const { namespace, name, uid, resourceVersion } = object.metadata;
  const reference = { apiVersion: apiVersionOf(type), kind: type.kind, name, uid, resourceVersion };
  return namespace === undefined ? reference : { ...reference, namespace };
}

/** metav1.Time: whole seconds. */
function seconds(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, 'Z');
}

/** Whether another try may succeed. A refusal stays one. */
function mayPass(error: unknown): boolean {
  if (!(error instanceof KubeError)) return false;
  switch (error.kind) {
    case 'transport':
    case 'timeout':
    case 'malformed':
    case 'overloaded':
    case 'credentials':
    case 'unauthorized':
    case 'too-many-requests':
    case 'unavailable':
    case 'server-timeout':
    case 'internal':
    case 'conflict':
      return true;
    case 'not-found':
    case 'already-exists':
    case 'gone':
    case 'bad-request':
    case 'forbidden':
    case 'too-large':
    case 'invalid':
    case 'aborted':
    case 'not-leading':
      return false;
  }
}

import type { Clock, Random } from './clock.ts';
import type { KubeError } from './errors.ts';
import type { KubeLogger } from './logger.ts';
import type { KubeMetrics } from './metrics.ts';
import type { RestClient, Selection } from './rest-client.ts';
import type { StoreSink } from './store.ts';
import type { KubeObject, ResourceType } from './types.ts';

export interface ReflectorOptions<T extends KubeObject> extends Selection {
  readonly client: RestClient;
  readonly type: ResourceType<T>;
  readonly store: StoreSink<T>;
  readonly logger?: KubeLogger;
  readonly metrics?: KubeMetrics;
  readonly clock?: Clock;
  readonly random?: Random;
  /** Objects a page of a list. Default 500. */
  readonly pageSize?: number;
  /** Back-off after failures, jittered, doubling; a server's Retry-After is a lower bound. Default 200 … 30,000 ms. */
  readonly backoff?: { readonly minMs: number; readonly maxMs: number };
  /** Nothing heard (not even a bookmark, which comes each minute) for so long: reconnect. Default 150,000. */
  readonly idleTimeoutMs?: number;
  /** Asked of the server, at random from this to twice of it. Default 300. */
  readonly watchTimeoutSeconds?: number;
  /** Drops what need not be kept; managedFields always go. */
  readonly transform?: (object: T) => T;
  /** Each failed list or watch, after logging it. */
  readonly onError?: (error: KubeError) => void;
}

export interface Reflector {
  /** Lists and watches until the signal aborts; never rejects for anything the server does. Call once. */
  run(signal: AbortSignal): Promise<void>;
  /** Of the last list, event or bookmark. */
  readonly resourceVersion: string | undefined;
}

import type { Clock } from './clock.ts';
import type { KubeMetrics } from './metrics.ts';
import type { KubeObject, MergePatch, NewObject, ObjectRef, ResourceType } from './types.ts';

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Whole call, queueing and body included. Default 30,000. */
  readonly timeoutMs?: number | undefined;
}

export interface Selection {
  /** Absent: all namespaces. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
}

export interface ListOptions extends CallOptions, Selection {
  readonly limit?: number | undefined;
  readonly continue?: string | undefined;
  readonly resourceVersion?: string | undefined;
  readonly resourceVersionMatch?: 'Exact' | 'NotOlderThan' | undefined;
}

export interface ListPage<T> {
  readonly items: readonly T[];
  /** Of the whole list; the same for every page of it. */
  readonly resourceVersion: string;
  /** Absent on the last page. */
  readonly continue?: string;
}

export interface WatchOptions extends Selection {
  readonly resourceVersion: string;
  /** Asked of the server, which ends the watch by itself then. */
  readonly timeoutSeconds: number;
  /** Until the answer's header. Default 30,000. */
  readonly openTimeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** metav1.Status, as errors (in HTTP or in-stream) carry it. */
export interface Status {
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly details?: {
    readonly retryAfterSeconds?: number;
    readonly causes?: readonly { readonly field?: string; readonly reason?: string; readonly message?: string }[];
  };
}

export type WatchEvent<T> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string }
  | { readonly type: 'ERROR'; readonly status: Status };

/** One watch connection. Yields the events of each chunk together; ends when the server ends it; throws KubeError. */
export interface WatchStream<T> extends AsyncIterable<readonly WatchEvent<T>[]> {
  close(): void;
}

export interface DeleteOptions extends CallOptions {
  /** Not met: KubeError 'conflict'. */
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string } | undefined;
  readonly gracePeriodSeconds?: number | undefined;
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan' | undefined;
}

/**
 * Typed calls over one shared pool. Every call has a time-out, is sent at most once (no hidden retry) and fails with
 * KubeError only. patch and patchStatus are JSON merge patches; put metadata.resourceVersion (and uid) into the patch to
 * make them conditional.
 */
export interface RestClient {
  readonly server: string;
  get<T extends KubeObject>(type: ResourceType<T>, ref: ObjectRef, options?: CallOptions): Promise<T>;
  list<T extends KubeObject>(type: ResourceType<T>, options?: ListOptions): Promise<ListPage<T>>;
  create<T extends KubeObject>(type: ResourceType<T>, object: NewObject<T>, options?: CallOptions): Promise<T>;
  /** PUT: metadata.resourceVersion in the object makes it conditional. */
  replace<T extends KubeObject>(type: ResourceType<T>, object: T, options?: CallOptions): Promise<T>;
  patch<T extends KubeObject>(
    type: ResourceType<T>,
    ref: ObjectRef,
    patch: MergePatch<T>,
    options?: CallOptions,
  ): Promise<T>;
  patchStatus<T extends KubeObject>(
    type: ResourceType<T>,
    ref: ObjectRef,
    patch: MergePatch<T>,
    options?: CallOptions,
  ): Promise<T>;
  /** Resolves when the server accepted the deletion; finalizers may keep the object. */
  delete<T extends KubeObject>(type: ResourceType<T>, ref: ObjectRef, options?: DeleteOptions): Promise<void>;
  watch<T extends KubeObject>(type: ResourceType<T>, options: WatchOptions): Promise<WatchStream<T>>;
  /** GET of a path outside the object model: /version, /readyz, /api… Parsed where it is JSON, else text. */
  getRaw(path: string, options?: CallOptions): Promise<unknown>;
  /** Lets calls under way end (at most 2 s), then closes all connections. */
  close(): Promise<void>;
}

export interface RestClientOptions {
  readonly metrics?: KubeMetrics | undefined;
  readonly clock?: Clock | undefined;
  /** User-Agent. Default 'hatchery'. */
  readonly userAgent?: string | undefined;
  /** TCP connections for calls; watches have a pool of their own. Default 16. */
  readonly connections?: number | undefined;
  /** Calls pending here at most; one more fails with 'overloaded'. Default 10,000. */
  readonly maxPending?: number | undefined;
  /** Default 30,000. */
  readonly timeoutMs?: number | undefined;
}

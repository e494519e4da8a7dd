import { systemClock } from './clock.ts';
import type { Clock } from './clock.ts';
import { KubeError } from './errors.ts';
import type { CallSubject, Verb } from './errors.ts';
import type { Reply } from './exchange.ts';
import type { ClientConfig } from './kubeconfig.ts';
import type { KubeMetrics } from './metrics.ts';
import { collectionPath, objectPath, query, selectors } from './paths.ts';
import { errorOfReply, errorOfWire, isRecord, parseObject } from './replies.ts';
import type { CallOptions, ListPage, RestClient, RestClientOptions, WatchStream } from './rest-client.ts';
import { createTransport } from './transport.ts';
import type { Transport, WireRequest } from './transport.ts';
import { apiVersionOf } from './types.ts';
import type { KubeObject, ObjectRef, ResourceType } from './types.ts';
import { isKubeObject, watchStream } from './watch-stream.ts';

const JSON_TYPE = 'application/json';
/** RFC 7386. Custom resources refuse client-go's usual strategic merge; JSON patch cannot say "if it is there". */
const MERGE_PATCH_TYPE = 'application/merge-patch+json';
const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_MAX_PENDING = 10_000;
const DEFAULT_CONNECTIONS = 16;

/** Makes a client; connects on first use. */
export function createRestClient(config: ClientConfig, options: RestClientOptions = {}): RestClient {
  const clock = options.clock ?? systemClock;
  const connections = options.connections ?? DEFAULT_CONNECTIONS;
  const userAgent = options.userAgent ?? 'hatchery';
  const transport = createTransport({ config, clock, connections, userAgent });
  return new HttpClient(config.server, transport, clock, options);
}

/** What a call needs beside its options; the path is a thunk since a bad name must fail like any call. */
interface Call {
  readonly verb: Verb;
  readonly type: ResourceType<KubeObject>;
  readonly ref: Partial<ObjectRef>;
  readonly method: WireRequest['method'];
  readonly path: () => string;
  readonly contentType?: string;
  readonly body?: unknown;
}

class HttpClient implements RestClient {
  readonly server: string;
  readonly #host: string;
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #metrics: KubeMetrics | undefined;
  readonly #timeoutMs: number;
  readonly #maxPending: number;
  #pending = 0;

  constructor(server: string, transport: Transport, clock: Clock, options: RestClientOptions) {
    this.server = server;
    this.#host = new URL(server).host;
    this.#transport = transport;
    this.#clock = clock;
    this.#metrics = options.metrics;
    this.#timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.#maxPending = options.maxPending ?? DEFAULT_MAX_PENDING;
  }

  get: RestClient['get'] = (type, ref, options) =>
    this.#object(type, { verb: 'get', type, ref, method: 'GET', path: () => objectPath(type, ref) }, options);

  create: RestClient['create'] = (type, object, options) => {
    const { name, namespace } = object.metadata;
    const ref = { ...(name === undefined ? {} : { name }), namespace };
    const body = { apiVersion: apiVersionOf(type), kind: type.kind, ...object };
    const path = (): string => collectionPath(type, namespace);
    return this.#object(
      type,
      { verb: 'create', type, ref, method: 'POST', path, contentType: JSON_TYPE, body },
      options,
    );
  };

  replace: RestClient['replace'] = (type, object, options) => {
    const ref = object.metadata;
    const body = { apiVersion: apiVersionOf(type), kind: type.kind, ...object };
    const path = (): string => objectPath(type, ref);
    return this.#object(
      type,
      { verb: 'replace', type, ref, method: 'PUT', path, contentType: JSON_TYPE, body },
      options,
    );
  };

  patch: RestClient['patch'] = (type, ref, patch, options) => this.#patch('patch', '', type, ref, patch, options);

  patchStatus: RestClient['patchStatus'] = (type, ref, patch, options) =>
    this.#patch('patch-status', '/status', type, ref, patch, options);

  delete: RestClient['delete'] = async (type, ref, options = {}) => {
    const { preconditions, gracePeriodSeconds, propagationPolicy } = options;
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions, gracePeriodSeconds, propagationPolicy };
    const path = (): string => objectPath(type, ref);
    await this.#call({ verb: 'delete', type, ref, method: 'DELETE', path, contentType: JSON_TYPE, body }, options);
  };

  list: RestClient['list'] = async <T extends KubeObject>(
    type: ResourceType<T>,
    options: Parameters<RestClient['list']>[1] = {},
  ): Promise<ListPage<T>> => {
    const { namespace, limit, continue: token, resourceVersion, resourceVersionMatch } = options;
    const values = { ...selectors(options), limit, continue: token, resourceVersion, resourceVersionMatch };
    const path = (): string => collectionPath(type, namespace) + query(values);
    const call: Call = { verb: 'list', type, ref: { namespace }, method: 'GET', path };
    const reply = await this.#call(call, options);
    return parseList<T>(type, this.#subject(call), reply.body);
  };

  watch: RestClient['watch'] = async <T extends KubeObject>(
    type: ResourceType<T>,
    options: Parameters<RestClient['watch']>[1],
  ): Promise<WatchStream<T>> => {
    const { namespace, resourceVersion, timeoutSeconds } = options;
    const values = { ...selectors(options), resourceVersion, timeoutSeconds, watch: true, allowWatchBookmarks: true };
    const path = (): string => collectionPath(type, namespace) + query(values);
    const call: Call = { verb: 'watch', type, ref: { namespace }, method: 'GET', path };
    const subject = this.#subject(call);
    return this.#measured(call, async () => {
      const reply = await this.#transport.open(this.#wire(call, options.openTimeoutMs, options.signal));
      if (reply.status < 300) return { status: reply.status, value: watchStream<T>(subject, reply) };
      const timer = this.#clock.after(options.openTimeoutMs ?? this.#timeoutMs, () => reply.close());
      const body = await collect(reply.body);
      timer.cancel();
      throw this.#refused(call, { ...reply, body });
    });
  };

  getRaw: RestClient['getRaw'] = async (path, options) => {
    const type = { group: '', version: '', plural: '', kind: path, namespaced: false };
    const reply = await this.#call({ verb: 'request', type, ref: {}, method: 'GET', path: () => path }, options);
    const text = reply.body.toString();
    return reply.headers['content-type']?.startsWith(JSON_TYPE) === true ? (JSON.parse(text) as unknown) : text;
  };

  close: RestClient['close'] = () => this.#transport.close();

  #patch<T extends KubeObject>(
    verb: Verb,
    subresource: string,
    type: ResourceType<T>,
    ref: ObjectRef,
    body: unknown,
    options: CallOptions | undefined,
  ): Promise<T> {
    const path = (): string => objectPath(type, ref) + subresource;
    return this.#object(type, { verb, type, ref, method: 'PATCH', path, contentType: MERGE_PATCH_TYPE, body }, options);
  }

  async #object<T extends KubeObject>(_type: ResourceType<T>, call: Call, options?: CallOptions): Promise<T> {
    const reply = await this.#call(call, options);
    // Checked as far as this folder relies on it; the rest is the API server's word, by its own schema.
    return parseObject(this.#subject(call), reply.body) as unknown as T;
  }

  #call(call: Call, options: CallOptions = {}): Promise<Reply> {
    return this.#measured(call, async () => {
      const reply = await this.#transport.exchange(this.#wire(call, options.timeoutMs, options.signal));
      if (reply.status >= 300) throw this.#refused(call, reply);
      return { status: reply.status, value: reply };
    });
  }

  #wire(call: Call, timeoutMs = this.#timeoutMs, signal: AbortSignal | undefined): WireRequest {
    const { method, contentType } = call;
    const body = call.body === undefined ? undefined : JSON.stringify(call.body);
    return { method, path: call.path(), contentType, body, timeoutMs, signal };
  }

  #subject(call: Call): CallSubject {
    return { verb: call.verb, kind: call.type.kind, ref: call.ref, host: this.#host };
  }

  #refused(call: Call, reply: Reply): KubeError {
    if (reply.status === 401) this.#transport.refreshCredentials();
    return errorOfReply(this.#subject(call), reply);
  }

  /** Bounds what is pending, counts and times the call, and makes every failure a KubeError. */
  async #measured<R>(call: Call, run: () => Promise<{ status: number; value: R }>): Promise<R> {
    if (this.#pending >= this.#maxPending) {
      const message = `${this.#pending} calls are pending already`;
      throw new KubeError({ ...this.#subject(call), error: 'overloaded', message, sent: false });
    }
    this.#pending += 1;
    const start = this.#clock.now();
    let code = '<error>';
    try {
      const { status, value } = await run();
      code = String(status);
      return value;
    } catch (error) {
      if (error instanceof KubeError && error.status !== undefined) code = String(error.status);
      throw errorOfWire(this.#subject(call), error);
    } finally {
      this.#pending -= 1;
      this.#metrics?.request(call.method, this.#host, code, (this.#clock.now() - start) / 1000);
    }
  }
}

/** List items of built-in kinds lack apiVersion and kind: they are filled in, so that an object can stand alone. */
function parseList<T extends KubeObject>(type: ResourceType<T>, subject: CallSubject, body: Buffer): ListPage<T> {
  const value = parseObject(subject, body);
  const metadata = value['metadata'];
  const items: unknown = value['items'] ?? [];
  if (!Array.isArray(items) || !isRecord(metadata) || typeof metadata['resourceVersion'] !== 'string') {
    throw new KubeError({ ...subject, error: 'malformed', message: 'the answer is no list' });
  }
  const typed = items.map((item: unknown): T => {
    if (!isRecord(item) || !isKubeObject(item)) {
      throw new KubeError({ ...subject, error: 'malformed', message: 'an item of the list has no metadata' });
    }
    return { apiVersion: apiVersionOf(type), kind: type.kind, ...item } as unknown as T;
  });
  const token = metadata['continue'];
  const page = { items: typed, resourceVersion: metadata['resourceVersion'] };
  return typeof token === 'string' && token !== '' ? { ...page, continue: token } : page;
}

async function collect(body: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

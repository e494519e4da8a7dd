import { Agent } from 'undici';
import type { Dispatcher } from 'undici';
import type { Clock, Timer } from './clock.ts';
import type { ClientConfig, Credentials, TlsCredentials } from './kubeconfig.ts';
import { BodyCollector, BodyStream, WireError } from './exchange.ts';
import type { Reply, StreamReply } from './exchange.ts';

export interface TransportOptions {
  readonly config: ClientConfig;
  readonly clock: Clock;
  readonly connections: number;
  readonly userAgent: string;
}

export interface WireRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path and query, starting with a slash. */
  readonly path: string;
  readonly contentType?: string | undefined;
  readonly body?: string | undefined;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** HTTP to one API server: a pool for calls and one for watches, rebuilt when certificates change. */
export interface Transport {
  /** A whole exchange. Rejects with WireError. */
  exchange(request: WireRequest): Promise<Reply>;
  /** Resolves with the header; timeoutMs covers only that, the body is the caller's to read or close. */
  open(request: WireRequest): Promise<StreamReply>;
  /** Forget cached credentials (after a 401). */
  refreshCredentials(): void;
  close(): Promise<void>;
}

/** Tokens rotate within the hour and client-node looks at their files each minute; certificates are read from disk. */
const CREDENTIALS_KEPT_MS = 10_000;
const CLOSE_GRACE_MS = 2_000;
const SUSPECT_GRACE_MS = 60_000;
const CONNECT_TIMEOUT_MS = 10_000;
/** Longer than the gaps between a controller's calls, shorter than kube-apiserver's own idle time-out (90 s in Go). */
const KEEP_ALIVE_MS = 60_000;

interface Pools {
  readonly tls: TlsCredentials;
  calls: Agent;
  readonly watches: Agent;
}

export function createTransport(options: TransportOptions): Transport {
  const { config, clock } = options;
  const url = new URL(config.server);
  const prefix = url.pathname === '/' ? '' : url.pathname.replace(/\/$/, '');
  /** Agents that get no new calls, with the timer that cuts off what they still do. */
  const retired = new Map<Agent, Timer>();
  const running = new Set<Promise<unknown>>();
  let credentials: { readonly value: Promise<Credentials>; readonly until: number } | undefined;
  let pools: Pools | undefined;
  let closed = false;

  const currentCredentials = (): Promise<Credentials> => {
    if (credentials === undefined || clock.now() >= credentials.until) {
      const value = config.credentials();
      credentials = { value, until: clock.now() + CREDENTIALS_KEPT_MS };
      // A failure is not kept: the next call asks again. The caller sees the rejection through `value`.
      value.then(undefined, () => (credentials = undefined));
    }
    return credentials.value;
  };

  // Not by Agent.close(): it forgets its connections at once, and nothing can cut them off any more.
  const retire = (agent: Agent, graceMs: number): void => {
    const cutOff = (): void => {
      retired.delete(agent);
      void agent.destroy();
    };
    retired.set(agent, clock.after(graceMs, cutOff));
  };

  /**
   * A call that nobody answered makes all connections of its pool suspect: the network may have swallowed them. The next
   * call gets a new one instead of waiting on each of them in turn; calls under way keep theirs to their own end.
   */
  const suspect = (agent: Agent): void => {
    if (pools?.calls !== agent) return;
    pools.calls = newAgent(pools.tls, options.connections);
    retire(agent, SUSPECT_GRACE_MS);
  };

  const currentPools = (tls: TlsCredentials): Pools => {
    if (pools === undefined || !sameTls(pools.tls, tls)) {
      for (const agent of pools === undefined ? [] : [pools.calls, pools.watches]) retire(agent, CLOSE_GRACE_MS);
      pools = { tls, calls: newAgent(tls, options.connections), watches: newAgent(tls, null) };
    }
    return pools;
  };

  const send = async <R>(request: WireRequest, which: 'calls' | 'watches', collector: Collector<R>): Promise<R> => {
    collector.start(clock, request.timeoutMs, request.signal);
    let current: Credentials;
    try {
      // The deadline counts here too: a helper program may hang.
      current = await Promise.race([currentCredentials(), unlessEnded(collector)]);
    } catch (error) {
      collector.failCredentials(error);
      return collector.result;
    }
    if (closed) collector.failClosed();
    if (collector.settled) return collector.result;
    const agent = currentPools(current.tls)[which];
    agent.dispatch(dispatchOptions(url.origin, prefix, options.userAgent, request, current), collector);
    try {
      return await collector.result;
    } catch (error) {
      if (error instanceof WireError && error.kind === 'timeout' && error.sent) suspect(agent);
      throw error;
    }
  };

  return {
    exchange: (request) => {
      const call = send(request, 'calls', new BodyCollector());
      const ended = call.then(nothing, nothing).finally(() => running.delete(ended));
      running.add(ended);
      return call;
    },
    open: (request) => send(request, 'watches', new BodyStream()),
    refreshCredentials: () => (credentials = undefined),
    close: async () => {
      closed = true;
      const grace = Promise.withResolvers<undefined>();
      const timer = clock.after(CLOSE_GRACE_MS, () => grace.resolve(undefined));
      await pools?.watches.destroy();
      await Promise.race([Promise.all(running), grace.promise]);
      timer.cancel();
      const agents = [...retired.keys(), ...(pools === undefined ? [] : [pools.calls])];
      for (const cutOff of retired.values()) cutOff.cancel();
      retired.clear();
      pools = undefined;
      await Promise.all(agents.map((agent) => agent.destroy()));
    },
  };
}

/** Rejects when the call has ended, and never resolves. */
async function unlessEnded(collector: { readonly result: Promise<unknown> }): Promise<never> {
  await collector.result;
  throw new Error('answered before it was sent');
}

type Collector<R> = (BodyCollector | BodyStream) & { readonly result: Promise<R> };

function newAgent(tls: TlsCredentials, connections: number | null): Agent {
  return new Agent({
    connections,
    pipelining: 1,
    // HTTP/2 was no faster (64 patches at once: 1,003/s on 16 connections, 1,115 on one of HTTP/2, the same CPU). And with
    // it one dead connection would take all its calls with it until TCP gives up: undici pings it but does not
    // wait for the answer. Here a call that times out closes its own connection, and the next one gets a new one.
    allowH2: false,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // The collector's own timer bounds the call; a watch is silent for as long as its caller allows.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: { ...tls, rejectUnauthorized: true, timeout: CONNECT_TIMEOUT_MS, keepAliveInitialDelay: 30_000 },
  });
}

function dispatchOptions(
  origin: string,
  prefix: string,
  userAgent: string,
  request: WireRequest,
  credentials: Credentials,
): Dispatcher.DispatchOptions {
  const headers: Record<string, string> = {
    ...credentials.headers,
    accept: 'application/json',
    'user-agent': userAgent,
  };
  if (request.contentType !== undefined) headers['content-type'] = request.contentType;
  const body = request.body ?? null;
  // Without `reset` undici closes a connection after a DELETE with a body, and each has one: its preconditions.
  return { origin, path: prefix + request.path, method: request.method, headers, body, reset: false };
}

const nothing = (): void => undefined;

function sameTls(a: TlsCredentials, b: TlsCredentials): boolean {
  return (
    a.servername === b.servername &&
    a.passphrase === b.passphrase &&
    sameBytes(a.ca, b.ca) &&
    sameBytes(a.cert, b.cert) &&
    sameBytes(a.key, b.key)
  );
}

function sameBytes(a: string | Buffer | undefined, b: string | Buffer | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return Buffer.from(a).equals(Buffer.from(b));
}

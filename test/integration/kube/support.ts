import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { randomBytes } from 'node:crypto';
import { Agent, request } from 'undici';
import type { Bed } from '#hack/bed/bed.ts';
import type { Cluster } from '#hack/cluster/cluster.ts';
import { startCluster } from '#hack/cluster/cluster.ts';
import { stopProcess } from '#hack/bed/process.ts';
import { ensurePki } from '#hack/cluster/pki.ts';
import { recordedPort } from '#hack/cluster/ports.ts';
import {
  createReflector,
  createRestClient,
  createStore,
  keyOf,
  loadKubeConfig,
  NAMESPACES,
} from '#controller/kube/index.ts';
import type {
  ClientConfig,
  KubeError,
  KubeObject,
  Reflector,
  ReflectorOptions,
  ResourceType,
  RestClient,
  Store,
} from '#controller/kube/index.ts';
import { eventually } from '#test/support/eventually.ts';
import { ownBed, sharedBed, sharedCluster, STARTUP_TIMEOUT_MS } from '#test/support/bed.ts';

/** core/v1, the simplest kind that holds something. */
export interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

export const CONFIG_MAPS: ResourceType<ConfigMap> = {
  group: '',
  version: 'v1',
  plural: 'configmaps',
  kind: 'ConfigMap',
  namespaced: true,
};

/** For a control plane whose programs are in the cache, on a busy machine. */
const CLUSTER_TIMEOUT_MS = 240_000;

/** What the tests of one file share: an administrator's client and a namespace of their own. */
export interface Bench {
  readonly bed: Bed;
  readonly cluster: Cluster;
  readonly config: ClientConfig;
  readonly client: RestClient;
  readonly namespace: string;
  /** Kills the API server and starts one anew; bench() then has its address, which may be another. */
  restartApiServer(): Promise<void>;
}

/**
 * Registers hooks that fill a bench before the tests and empty it after them. On the shared control plane, or on one of
 * its own for tests that kill it.
 */
export function useBench(whose: 'shared' | 'own' = 'shared'): () => Bench {
  let bench: Bench | undefined;
  const open = async (bed: Bed, cluster: Cluster, namespace: string): Promise<Bench> => {
    const config = await loadKubeConfig({ kubeconfig: cluster.kubeconfig });
    const client = createRestClient(config);
    const restartApiServer = async (): Promise<void> => {
      await stopProcess(bed, 'kube-apiserver', { signal: 'SIGKILL' });
      const restarted = await startCluster(bed);
      await client.close();
      bench = await open(bed, restarted, namespace);
    };
    return { bed, cluster, config, client, namespace, restartApiServer };
  };
  before(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    // Fills cold caches; after that a control plane takes seconds.
    const inCommon = await sharedCluster();
    this.timeout(CLUSTER_TIMEOUT_MS);
    const bed = whose === 'shared' ? await sharedBed() : await ownBed();
    const cluster = whose === 'shared' ? inCommon : await startCluster(bed);
    bench = await open(bed, cluster, `kube-${randomBytes(4).toString('hex')}`);
    await bench.client.create(NAMESPACES, { metadata: { name: bench.namespace } });
  });
  after(async () => {
    await bench?.client.delete(NAMESPACES, { name: bench.namespace });
    await bench?.client.close();
    if (whose === 'own') await bench?.cluster.stop();
  });
  return () => {
    if (bench === undefined) throw new Error('the bench is not there before its hook has run');
    return bench;
  };
}

/** A running reflector of the namespace's ConfigMaps, and what was seen of it. */
export interface Mirror extends AsyncDisposable {
  readonly store: Store<ConfigMap>;
  readonly reflector: Reflector;
  /** 'added NAME', 'updated NAME', 'deleted NAME' and so on, in order. */
  readonly told: string[];
  readonly errors: readonly KubeError[];
}

/** Starts one, by the given configuration (perhaps through a proxy). */
export async function mirror(
  { config, namespace }: Bench,
  options: Partial<ReflectorOptions<ConfigMap>> & { readonly server?: string } = {},
): Promise<Mirror> {
  const client = createRestClient({ ...config, server: options.server ?? config.server }, { timeoutMs: 2_000 });
  const store = createStore<ConfigMap>();
  const told: string[] = [];
  const errors: KubeError[] = [];
  // Each namespace gets a ConfigMap of the cluster's CA from the controller manager, sooner or later.
  const tell = (what: string, object: ConfigMap): void => {
    if (object.metadata.name !== 'kube-root-ca.crt') told.push(`${what} ${object.metadata.name}`);
  };
  store.addHandlers({
    added: (object) => tell('added', object),
    updated: (object) => tell('updated', object),
    deleted: (object, how) => tell(how, object),
  });
  const stop = new AbortController();
  const reflector = createReflector({
    ...{ client, type: CONFIG_MAPS, namespace, store, backoff: { minMs: 20, maxMs: 500 } },
    onError: (error) => void errors.push(error),
    ...options,
  });
  const ended = reflector.run(stop.signal);
  await store.waitForSync();
  return {
    ...{ store, reflector, told, errors },
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await ended;
      await client.close();
    },
  };
}

/** Creates a ConfigMap in the bench's namespace. */
export function put(bench: Bench, name: string, data: Readonly<Record<string, string>> = {}): Promise<ConfigMap> {
  return bench.client.create(CONFIG_MAPS, { metadata: { namespace: bench.namespace, name }, data });
}

/** Makes a ConfigMap and waits until the mirror has heard of it: then its watch is open. */
export async function fence(bench: Bench, { told }: Mirror): Promise<void> {
  const name = `fence-${randomBytes(4).toString('hex')}`;
  await put(bench, name);
  await eventually(() => assert.ok(told.includes(`added ${name}`)));
}

/** The state of a store's objects, by key, and the server's by a list: equal when the store is up to date. */
export async function states(
  bench: Bench,
  store: Store<ConfigMap>,
): Promise<Readonly<Record<'cached' | 'stored', Readonly<Record<string, string>>>>> {
  const { items } = await bench.client.list(CONFIG_MAPS, { namespace: bench.namespace });
  const versions = (objects: readonly ConfigMap[]): Readonly<Record<string, string>> =>
    Object.fromEntries(objects.map(({ metadata }): [string, string] => [keyOf(metadata), metadata.resourceVersion]));
  return { cached: versions(store.list()), stored: versions(items) };
}

/** A TCP proxy before the API server, that can cut its connections or fall silent. */
export interface Proxy extends AsyncDisposable {
  readonly server: string;
  readonly open: number;
  /** Resets what is open. */
  cut(): void;
  /** Takes no connections until told otherwise. */
  refuse(refused: boolean): void;
  /** Keeps what is open, but lets nothing through any more; new connections work. */
  silence(): void;
}

export async function proxyTo(target: () => string): Promise<Proxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let refused = false;
  const listener = createServer((inner) => {
    if (refused) {
      inner.resetAndDestroy();
      return;
    }
    const { port, hostname } = new URL(target());
    const outer = connect(Number(port), hostname);
    const pair = [inner, outer] as const;
    pairs.add(pair);
    for (const socket of pair) {
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        pairs.delete(pair);
        for (const each of pair) each.destroy();
      });
    }
    inner.pipe(outer).pipe(inner);
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const cut = (): void => {
    for (const [inner] of pairs) inner.resetAndDestroy();
  };
  return {
    server: `https://127.0.0.1:${(listener.address() as AddressInfo).port}`,
    get open() {
      return pairs.size;
    },
    cut,
    refuse: (value) => (refused = value),
    silence: () => {
      for (const [inner, outer] of pairs) {
        inner.unpipe(outer);
        outer.unpipe(inner);
        inner.pause();
        outer.pause();
      }
    },
    [Symbol.asyncDispose]: async () => {
      cut();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}

/** Makes etcd forget all versions up to now (its JSON gateway: etcdserverpb KV.Range and KV.Compact). */
export async function compactEtcd(bed: Bed): Promise<void> {
  const { ca, etcdClient } = await ensurePki(bed);
  const [caText, cert, key] = await Promise.all([ca, etcdClient.cert, etcdClient.key].map((path) => readFile(path)));
  const dispatcher = new Agent({ connect: { ca: caText, cert, key } });
  const origin = `https://127.0.0.1:${(await recordedPort(bed, 'etcd')) ?? 0}`;
  const call = async (path: string, body: object): Promise<unknown> => {
    const answer = await request(`${origin}/v3/kv/${path}`, { dispatcher, method: 'POST', body: JSON.stringify(body) });
    const text = await answer.body.text();
    if (answer.statusCode !== 200) throw new Error(`etcd ${path}: ${answer.statusCode} ${text}`);
    return JSON.parse(text);
  };
  try {
    const { header } = (await call('range', { key: Buffer.from('/').toString('base64') })) as {
      readonly header: { readonly revision: string };
    };
    await call('compaction', { revision: header.revision, physical: true });
  } finally {
    await dispatcher.close();
  }
}

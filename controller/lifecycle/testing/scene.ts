import { Registry } from 'prom-client';

import { EPHEMERAL_DOMAINS } from '#controller/api/index.ts';
import type { EphemeralDomain } from '#controller/api/index.ts';
import { HostConsoles, Throttle } from '#controller/console/index.ts';
import { readHostSpec } from '#controller/domain/hostspec.ts';
import { CONFIG_MAPS, SECRETS, createStore, KubeError, keyOf, silentLogger } from '#controller/kube/index.ts';
import type { ObjectRef, RestClient } from '#controller/kube/index.ts';
import { FakeClock } from '#controller/kube/testing/fake-clock.ts';
import type { Hypervisor } from '#controller/libvirt/index.ts';
import { bindingOf } from '../attempt.ts';
import { EVERY_TYPE } from '../capabilities.ts';
import type { Contact } from '../contact.ts';
import type { HostState } from '../host-state.ts';
import { noticeBinding } from '../intake.ts';
import { Ledger } from '../ledger.ts';
import { createLifecycleMetrics } from '../metrics.ts';
import { OrphanGuard } from '../orphans.ts';
import type { ReconcilerParts } from '../reconcile.ts';
import { bindPatch } from '../render.ts';
import { ScratchDisks } from '../scratch.ts';
import { Starter } from '../starter.ts';
import type { HostTrace } from '../trace.ts';
import type { Tracked } from '../tracked.ts';
import { DOMAIN_INDEXERS, StatusWriter } from '../writer.ts';
import type { DomainIndex } from '../writer.ts';
import { HostModel } from './host-model.ts';
import type { ModelKind } from './host-model.ts';
import { merge, resource } from './resources.ts';

export const UUID = '5f1c2a0e-8d34-5b7e-9a41-6c0d3e9b7f25';
export const ADDRESS = '198.18.4.130';

/** A host model, an API server of one resource, and everything that reconcile() needs between the two. */
export interface Scene {
  readonly host: HostModel;
  readonly parts: ReconcilerParts;
  readonly state: HostState;
  readonly tracked: Tracked;
  readonly stored: () => EphemeralDomain | undefined;
  /** Status patches that were stored. */
  readonly patches: () => number;
  readonly remove: () => void;
  /** Data of the ConfigMaps that there are, by name. */
  readonly configMaps: Map<string, Readonly<Record<string, string>>>;
  /** Somebody changes its spec, and the watch tells of it. */
  readonly respec: (spec: Partial<EphemeralDomain['spec']>) => void;
  /** Moves the clocks on. */
  readonly pass: (ms: number) => void;
  /** A new session with the host, as it is now. */
  readonly reconnect: () => void;
  /** What the trace's start does in place of the host's own answer. */
  startAnswer: (() => ReturnType<HostTrace['start']>) | undefined;
  vanished: boolean;
}

/** One resource, bound by this process to a host of a kind a moment ago. */
export function createScene(kind: ModelKind, spec: Partial<EphemeralDomain['spec']> = {}): Scene {
  const host = new HostModel(kind);
  let now = 1_000_000;
  let generation = 1;
  const hypervisor = { uri: 'test', session: { generation } };
  const clock = { now: () => now, wall: () => now };
  const api = createApi(resource(spec));
  const store = createStore<EphemeralDomain, DomainIndex>({ indexers: DOMAIN_INDEXERS });
  const state = createState(kind, clock.now);
  const scene: Scene = {
    host,
    state,
    parts: createParts(state, api.rest, store, clock),
    tracked: bind(state, api, store, host, clock.now),
    stored: api.stored,
    patches: api.patches,
    remove: api.remove,
    configMaps: api.configMaps,
    respec: (changed) => store.put(api.respec(changed)),
    pass: (ms) => {
      now += ms;
    },
    reconnect: () => {
      generation += 1;
      hypervisor.session = { generation };
      state.contact = createContact(scene, hypervisor as unknown as Hypervisor, generation, now);
    },
    startAnswer: undefined,
    vanished: false,
  };
  state.contact = createContact(scene, hypervisor as unknown as Hypervisor, generation, now);
  return scene;
}

function createApi(first: EphemeralDomain) {
  let stored: EphemeralDomain | undefined = first;
  const configMaps: Scene['configMaps'] = new Map();
  let patches = 0;
  const failure = (error: 'not-found' | 'conflict', ref: ObjectRef) =>
    new KubeError({ error, message: error, verb: 'get', kind: EPHEMERAL_DOMAINS.kind, ref, host: 'test' });
  const rest = {
    get: (type: { readonly kind: string }, ref: ObjectRef) => {
      const data = configMaps.get(ref.name);
      if (type.kind === SECRETS.kind) return Promise.reject(failure('not-found', ref));
      const found = type.kind === CONFIG_MAPS.kind ? data && { metadata: ref, data } : stored;
      return found === undefined ? Promise.reject(failure('not-found', ref)) : Promise.resolve(found);
    },
    list: () => Promise.resolve({ items: [], resourceVersion: '1' }),
    patchStatus: (
      _type: unknown,
      ref: ObjectRef,
      patch: { metadata?: { resourceVersion?: string }; status?: unknown },
    ) => {
      if (stored === undefined) return Promise.reject(failure('not-found', ref));
      const { resourceVersion } = stored.metadata;
      if (patch.metadata?.resourceVersion !== resourceVersion) return Promise.reject(failure('conflict', ref));
      patches += 1;
      const metadata = { ...stored.metadata, resourceVersion: String(Number(resourceVersion) + 1) };
      stored = {
        ...stored,
        metadata,
        status: merge(stored.status, patch.status) as EphemeralDomain['status'] & object,
      };
      return Promise.resolve(stored);
    },
  } as unknown as RestClient;
  return {
    rest,
    configMaps,
    stored: () => stored,
    patches: () => patches,
    store: (next: EphemeralDomain) => {
      stored = next;
    },
    respec: (changed: Partial<EphemeralDomain['spec']>) => {
      const { metadata, status } = stored ?? resource();
      const resourceVersion = String(Number(metadata.resourceVersion) + 1);
      stored = { ...resource(changed, status), metadata: { ...metadata, resourceVersion } };
      return stored;
    },
    remove: () => {
      stored = undefined;
    },
  };
}

function createState(kind: ModelKind, now: () => number): HostState {
  const bridge = kind === 'test' ? {} : { bridge: 'br0' };
  const uri = kind === 'test' ? 'test+unix:///default' : `${kind}+unix:///system`;
  const reading = readHostSpec({ uri, domainCIDR: '198.18.4.128/25', ...bridge });
  if (!reading.ok) throw new Error('a host spec that makes sense');
  const ledger = new Ledger(reading.config.network, now);
  const known = {
    domains: new Map<string, Tracked>(),
    assumed: new Set<string>(),
    ledger,
    contact: undefined,
    memoryKiB: 2 ** 22,
  };
  return { name: 'h', config: reading.config, cluster: 'c', ...known, silentSince: undefined };
}

function createParts(
  state: HostState,
  rest: RestClient,
  store: ReconcilerParts['store'],
  { now, wall }: { readonly now: () => number; readonly wall: () => number },
): ReconcilerParts {
  const consoles = new HostConsoles({
    ...{ host: 'h', supported: false, clock: new FakeClock(), logger: silentLogger },
    shared: new Throttle(now, { bytesPerSecond: 1, burst: 1 }),
    open: () => Promise.reject(new Error('it has none')),
    over: () => undefined,
  });
  const metrics = createLifecycleMetrics(new Registry(), { pending: () => 0, domainsByPhase: () => new Map() });
  const nothing = () => undefined;
  const scratch = new ScratchDisks({ state, store, logger: silentLogger });
  return {
    state,
    store,
    writer: new StatusWriter(rest, store, now),
    starter: new Starter({ state, rest, scratch, metrics, logger: silentLogger, now, wall, answered: nothing }),
    scratch,
    consoles,
    orphans: new OrphanGuard(now, () => ({ listed: 1, orphans: [] })),
    prober: { follow: nothing },
    reporter: { bound: nothing, changed: nothing, waiting: nothing, failedUnbound: nothing },
    logger: silentLogger,
    hostLostAfterMs: 60_000,
    settleMs: 5_000,
    now,
    wall,
    accountsChanged: nothing,
    kindServed: nothing,
  };
}

function bind(
  state: HostState,
  api: ReturnType<typeof createApi>,
  store: ReturnType<typeof createStore<EphemeralDomain, DomainIndex>>,
  host: HostModel,
  now: () => number,
): Tracked {
  const identity = { hostBoot: host.boot, hostDaemon: host.daemon };
  const binding = { host: 'h', address: ADDRESS, name: 'edom-198-18-4-130', uuid: UUID, ...identity, seen: now() };
  const pending = api.stored();
  if (pending === undefined) throw new Error('a resource to bind');
  const patch = bindPatch(pending, binding, now());
  const bound = { ...pending, status: merge(undefined, patch.status) as EphemeralDomain['status'] & object };
  api.store(bound);
  store.replaceAll([bound], '8');
  const stored = bindingOf(bound);
  if (stored === undefined) throw new Error(`${keyOf(bound.metadata)} is bound`);
  const tracked = noticeBinding(state, bound, stored, { now: now(), wall: now() });
  tracked.request = { kind: 'not-yet' };
  tracked.confirmed = bound.metadata.resourceVersion;
  return tracked;
}

function createContact(scene: Scene, hypervisor: Hypervisor, generation: number, since: number): Contact {
  const { host } = scene;
  const volumes = { volLookupByName: () => Promise.resolve({}) };
  const session = { hypervisor: Object.assign(hypervisor, volumes), generation, since };
  const identity = host.identity();
  const pool = { name: 'hatchery', uuid: identity.boot };
  const versions = { version: '1', libvirtVersion: '1', domainTypes: EVERY_TYPE };
  const totals = { vcpus: 1, memoryKiB: () => 0, ...versions };
  return { session, trace: traceOver(scene), identity, pool, listed: [], unsettled: undefined, ...totals };
}

function traceOver(scene: Scene): HostTrace {
  const { host } = scene;
  const begin = (defined: boolean): ReturnType<HostTrace['start']> => {
    if (scene.startAnswer !== undefined) return scene.startAnswer();
    if (host.kind !== 'xen' && !defined) host.act('define');
    const answer = host.act(host.kind === 'xen' ? 'create' : 'start');
    if (answer === 'done') throw new Error('a start is answered');
    host.unpause();
    return Promise.resolve(answer);
  };
  return {
    outlivesDaemon: host.identity().outlivesDaemon,
    start: () => begin(false),
    startDefined: () => begin(true),
    observe: () => Promise.resolve(host.look()),
    shutdown: () => {
      host.act('shutdown');
      return Promise.resolve();
    },
    destroy: () => {
      host.act('destroy');
      return Promise.resolve();
    },
    acknowledge: () => {
      host.act('acknowledge');
      return Promise.resolve();
    },
    list: () => Promise.resolve([]),
    settle: () => Promise.resolve(),
    hasVanished: () => Promise.resolve(scene.vanished),
  };
}

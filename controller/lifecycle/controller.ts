import type { EphemeralDomain, EphemeralDomainTemplate } from '#controller/api/index.ts';
import { HostConsoles, Throttle } from '#controller/console/index.ts';
import { keyOf, NAMESPACES, sleep } from '#controller/kube/index.ts';
import type { Disappearance, KubeObject } from '#controller/kube/index.ts';
import { deleteAbandoned } from './abandoned.ts';
import { bindingOf } from './attempt.ts';
import { createCaches, startReflectors } from './caches.ts';
import type { Caches } from './caches.ts';
import { createConsoleSource, openConsole } from './console-source.ts';
import type { ConsoleHost, ConsoleSource } from './console-source.ts';
import type { ControllerDeps } from './deps.ts';
import { Finisher } from './finisher.ts';
import { Hosts } from './hosts.ts';
import { createLifecycleMetrics } from './metrics.ts';
import type { LifecycleMetrics } from './metrics.ts';
import { Notices } from './notices.ts';
import { deleteOldLeases } from './old-leases.ts';
import { Placer } from './placer.ts';
import { Preparer } from './preparer.ts';
import { createPresenceSource } from './presence.ts';
import type { PresenceSource } from './presence.ts';
import { createReporter } from './reporter.ts';
import { createWallClock } from './time.ts';
import { createTimelineSink } from './timeline.ts';
import type { TimelineSink } from './timeline.ts';
import { HostWorker } from './worker.ts';
import { StatusWriter } from './writer.ts';

export interface Controller extends ConsoleSource, TimelineSink, PresenceSource {
  /**
   * Acts until the signal aborts (the Lease is lost or the process is to end), sends nothing after that, and resolves when
   * everything of it has come to rest. Call once, when the Lease is held.
   */
  run(signal: AbortSignal): Promise<void>;
}

/** The controller over its dependencies. */
export function createController(deps: ControllerDeps): Controller {
  let acting: Served | undefined;
  return {
    run: async (signal) => {
      try {
        await run(deps, signal, (served) => {
          acting = served;
        });
      } finally {
        acting = undefined;
      }
    },
    readConsole: async (key, sink, live) =>
      (await acting?.readConsole(key, sink, live)) ?? {
        kind: 'unavailable',
        why: 'the controller is starting or ending',
      },
    noteTimes: (key, times) => acting?.noteTimes(key, times) ?? { kind: 'unavailable' },
    presentOf: (namespace, asked) => acting?.presentOf(namespace, asked),
  };
}

/** What of a running controller others ask and tell. */
type Served = ConsoleSource & TimelineSink & PresenceSource;

/** All parts of a running controller. */
interface Parts {
  readonly caches: Caches;
  readonly hosts: Hosts;
  readonly placer: Placer;
  readonly finisher: Finisher;
  readonly notices: Notices;
  readonly served: Served;
}

async function run(deps: ControllerDeps, signal: AbortSignal, acts: (served: Served) => void): Promise<void> {
  const cluster = await clusterUid(deps, signal);
  if (cluster === undefined) return;
  const caches = createCaches(deps);
  const reflectors = startReflectors(deps, caches, signal);
  const parts = assemble(deps, caches, cluster, signal);
  const stores = [caches.domains, caches.templates, caches.domainHosts, caches.nodes, caches.namespaces];
  const synced = await Promise.all(stores.map((store) => store.waitForSync(signal)));
  if (synced.every(Boolean)) {
    deps.logger.info('The controller acts', { domains: caches.domains.size, hosts: caches.domainHosts.size });
    connectParts(parts);
    acts(parts.served);
    const detach = deps.notify?.attach(parts.notices);
    signal.addEventListener('abort', () => detach?.(), { once: true });
    await Promise.all([
      ...[parts.hosts.run(), parts.finisher.run(signal)],
      ...[deleteAbandoned(deps, caches.domains, signal), deleteOldLeases(deps, signal)],
    ]);
    detach?.();
  }
  parts.placer.stop();
  await reflectors;
}

/** UID of the namespace kube-system: what every domain of this cluster is marked with. Undefined: aborted before. */
async function clusterUid({ rest, clock, logger }: ControllerDeps, signal: AbortSignal): Promise<string | undefined> {
  for (;;) {
    if (signal.aborted) return undefined;
    try {
      return (await rest.get(NAMESPACES, { name: 'kube-system' })).metadata.uid;
    } catch (error) {
      logger.warn('The namespace kube-system, whose UID marks this cluster, cannot be read yet', { error });
      await sleep(clock, 1_000, signal);
    }
  }
}

function assemble(deps: ControllerDeps, caches: Caches, cluster: string, signal: AbortSignal): Parts {
  const { rest, clock, logger, options } = deps;
  const wall = createWallClock(clock);
  const store = caches.domains;
  const metrics: LifecycleMetrics = createLifecycleMetrics(deps.registry, {
    pending: () => placer.waiting,
    domainsByPhase: () => {
      const counts = new Map<string, number>();
      for (const { status } of store.list()) {
        const phase = status?.phase ?? 'Pending';
        counts.set(phase, (counts.get(phase) ?? 0) + 1);
      }
      return counts;
    },
  });
  const writer = new StatusWriter(rest, store, () => clock.now());
  const reporter = createReporter(logger, deps.events, metrics);
  const shared = new Throttle(() => clock.now(), CONSOLES_RATE);
  const consoleHosts = new Map<string, ConsoleHost>();
  const hosts = new Hosts(
    {
      rest,
      nodes: caches.nodes,
      domainHosts: caches.domainHosts,
      options,
      logger,
      metrics,
      clock,
      wall,
      placesChanged: () => placer.hostsChanged(),
      abandoned: (host) => {
        for (const resource of caches.domains.byIndex('host', host)) finisher.noticed(resource);
      },
      makeWorker: (name, config, statusChanged) => {
        const consoles = new HostConsoles({
          ...{ host: name, supported: config.uri.kind !== 'test', clock, logger, shared },
          open: (uuid) => openConsole(worker.state, uuid),
          over: (uuid) => worker.lookAfter(uuid),
        });
        const worker: HostWorker = new HostWorker({
          ...{ name, config, cluster, deps, store, writer, reporter, metrics, consoles, wall },
          changed: () => {
            placer.hostsChanged();
            statusChanged();
          },
        });
        consoleHosts.set(name, { state: worker.state, consoles });
        return worker;
      },
    },
    signal,
  );
  const preparer = new Preparer({ rest, templates: caches.templates });
  const placer: Placer = new Placer({
    ...{ store, writer, reporter, logger, clock, wall, preparer },
    dom0Label: `${options.dom0Label.key}=${options.dom0Label.value}`,
    hosts: () => hosts.views(),
    worker: (host) => hosts.worker(host),
    refused: (resource) => finisher.noticed(resource),
    namespaceLabels: (name) => {
      const namespace = caches.namespaces.get(name);
      return namespace === undefined ? undefined : (namespace.metadata.labels ?? {});
    },
  });
  const finisher: Finisher = new Finisher({
    ...{ rest, store, writer, reporter, placer, preparer, clock, wall, logger },
    whyAbandoned: (host) => hosts.whyAbandoned(host),
    hostLostAfterMs: options.hostLostAfterMs,
  });
  const notices = new Notices({ store, clock, wall, worker: (host) => hosts.worker(host) });
  const served = {
    ...createConsoleSource(store, (name) => consoleHosts.get(name)),
    ...createTimelineSink(store, (name) => hosts.worker(name)?.state),
    ...createPresenceSource(store, () => hosts.states()),
  };
  return { caches, hosts, placer, finisher, notices, served };
}

/** What all consoles of all hosts together may be read at: some tenth of a CPU. */
const CONSOLES_RATE = { bytesPerSecond: 16_777_216, burst: 8_388_608 };

/** Who is told of what; `addHandlers` first tells of all there is. */
function connectParts({ caches, hosts, placer, finisher, notices }: Parts): void {
  const noticeHost = (object: KubeObject) => hosts.noticed(object.metadata.name);
  caches.nodes.addHandlers({ added: noticeHost, updated: noticeHost, deleted: noticeHost });
  caches.domainHosts.addHandlers({
    added: () => hosts.specsChanged(),
    updated: (host, previous) => {
      noticeHost(host);
      if (host.metadata.generation !== previous.metadata.generation) hosts.specsChanged();
    },
    deleted: (host) => {
      noticeHost(host);
      hosts.specsChanged();
      for (const resource of caches.domains.byIndex('host', host.metadata.name)) finisher.noticed(resource);
    },
  });
  const noticeNamespace = () => placer.hostsChanged();
  caches.namespaces.addHandlers({
    added: noticeNamespace,
    updated: (now, before) => {
      if (JSON.stringify(now.metadata.labels) !== JSON.stringify(before.metadata.labels)) noticeNamespace();
    },
  });
  const notice = (resource: EphemeralDomain) => {
    const { host } = resource.status ?? {};
    if (host !== undefined) hosts.worker(host)?.noticed(resource);
    placer.noticed(resource);
    finisher.noticed(resource);
    notices.noticed(resource);
  };
  // Of those that wait for it, or would be made from it now.
  const noticeTemplate = ({ metadata }: EphemeralDomainTemplate) => {
    for (const resource of caches.domains.byIndex('template', keyOf(metadata))) {
      placer.noticed(resource);
      finisher.noticed(resource);
    }
  };
  caches.templates.addHandlers({ added: noticeTemplate, updated: noticeTemplate, deleted: noticeTemplate });
  caches.domains.addHandlers({
    added: notice,
    updated: (resource, previous) => {
      leaveHost(hosts, resource, previous);
      notice(resource);
    },
    deleted: (resource, how) => {
      placer.gone(resource);
      finisher.gone(resource);
      notices.gone(resource);
      const { host, domain } = resource.status ?? {};
      if (host !== undefined && domain?.uuid !== undefined) hosts.worker(host)?.deleted(domain.uuid, isCertain(how));
    },
  });
}

/** A resource that is no longer bound where it was: the trace there is to be looked after. */
function leaveHost(hosts: Hosts, resource: EphemeralDomain, previous: EphemeralDomain): void {
  const before = bindingOf(previous);
  if (before === undefined || bindingOf(resource)?.uuid === before.uuid) return;
  hosts.worker(before.host)?.lookAfter(before.uuid);
}

function isCertain(how: Disappearance): boolean {
  return how === 'deleted' || how === 'replaced';
}

import type { Registry } from 'prom-client';

import type { IngressConfig } from '#controller/config/index.ts';
import { sleep } from '#controller/kube/index.ts';
import type {
  ClientConfig,
  Clock,
  EventRecorder,
  KubeLogger,
  KubeMetrics,
  Random,
  RestClient,
} from '#controller/kube/index.ts';
import type { NotifyServer } from '#controller/notify/index.ts';
import { findController } from '#controller/reach/index.ts';
import { NO_TRACER } from '#controller/observe/index.ts';
import type { Health, Tracer } from '#controller/observe/index.ts';
import { AdmissionQueue } from './admission/index.ts';
import { Departures } from './departures/index.ts';
import { createLink } from './link/index.ts';
import { ANSWER_BUDGET_BYTES, BODY_BUDGET_BYTES, Budget, FRONT_LIMITS, Rush, startFront } from './proxy/index.ts';
import type { Front } from './proxy/index.ts';
import { holdReplica, replicaName } from './replicas/index.ts';
import { createRoutes } from './routes/index.ts';
import type { Routes } from './routes/index.ts';
import { DefaultCertificates } from './serve/default-certificate.ts';
import type { DefaultCertificate } from './serve/default-certificate.ts';
import { createHandler } from './serve/handler.ts';
import type { HandlerParts } from './serve/handler.ts';
import { createHosts } from './serve/hosts.ts';
import { createRandomHex } from './serve/random-hex.ts';
import { createRecorder } from './serve/record.ts';
import { addressesOf, drainLimitsOf, tlsOf, trust, upgradesFor } from './serve/settings.ts';
import { untoldRecorder } from './serve/untold.ts';
import { createStandIn, Spawner } from './spawn/index.ts';
import { createTimelineSender } from './timeline/index.ts';
import { createWarmUp, FULL, ownRoutes, ROOMY } from './warm-up/index.ts';

/** What an ingress is made of. */
export interface IngressParts {
  readonly config: IngressConfig;
  readonly client: RestClient;
  /** Its own identity, for the controller. */
  readonly kubeConfig: Pick<ClientConfig, 'credentials'>;
  readonly events: Pick<EventRecorder, 'event'>;
  readonly notify: Omit<NotifyServer, 'close'>;
  readonly defaultCertificate: DefaultCertificate | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: KubeLogger;
  readonly metrics: KubeMetrics;
  readonly registry: Registry;
  readonly tracer: Tracer;
}

/** What of a handler is another for the ingress' own visitors. */
type OwnParts = Pick<HandlerParts, 'routes' | 'recorder' | 'queue' | 'spawner' | 'timeline' | 'departures' | 'tracer'>;

/** One replica of the ingress. */
export interface Ingress {
  /** Whether it serves, and does so for the whole of its routes. */
  ready(): Health;
  /** Serves until the signal aborts, then drains; resolves when nothing is open any more. Call once. */
  run(signal: AbortSignal): Promise<void>;
}

const MAX_QUEUE_MS = 60_000;

/** The whole path of a request: routes -> admission -> a domain -> its answer -> the record. */
export const createIngress = (parts: IngressParts): Ingress => {
  const { config, client, clock, random, logger, metrics, notify, registry } = parts;
  const shared = { client, clock, random, logger, metrics };
  const replica = replicaName(config.identity);
  const randomHex = createRandomHex();
  const routes = createRoutes({
    ...{ ...shared, events: parts.events, namespaces: config.namespaces ?? [] },
    addresses: addressesOf(config.publishAddress),
    defaultCertificate: () => defaultCertificate.current?.certificate,
  });
  let front: Front | undefined;
  const defaultCertificate = new DefaultCertificates({
    ...{ ...shared, secret: config.defaultTlsSecret, first: parts.defaultCertificate },
    changed: ({ pem }) => {
      front?.setDefaultCertificate(pem);
      routes.refresh();
    },
  });
  const hosts = createHosts({ ...shared, notify });
  const total = { maxConcurrent: config.maxConcurrent, maxQueued: config.maxQueued, queueTimeoutMs: MAX_QUEUE_MS };
  const queue = new AdmissionQueue({ clock, random, total });
  const spawner = new Spawner({
    ...{ rest: client, clock, random, logger, metrics, replica, namespaces: config.namespaces },
    randomHex,
    notifyEndpoint: () => hosts.notifyEndpoint(),
    hostOf: (address) => hosts.hostOf(address),
  });
  const link = createLink({
    ...{ clock, credentials: () => parts.kubeConfig.credentials() },
    find: () => findController(client, config.controllerNamespace),
  });
  const timeline = createTimelineSender({ link, clock, logger, registry });
  const departures = new Departures({ link, clock, logger });
  const afterwards = new Set<Promise<void>>();
  const rush = new Rush(clock);
  const recorder = createRecorder({ logger, registry, queue, rush });
  const answerBudget = new Budget(ANSWER_BUDGET_BYTES);
  const handlerOf = (own: OwnParts) =>
    createHandler({
      ...{ ...own, rush, answerBudget, clock, logger },
      httpsPort: () => front?.https?.port,
      afterwards: (work) => {
        afterwards.add(work);
        void work.finally(() => afterwards.delete(work));
      },
    });
  const standIn = createStandIn({ clock, logger, randomHex });
  const unheard = {
    ...{ recorder: untoldRecorder({ queue, rush }), tracer: NO_TRACER, timeline: { tell: () => undefined } },
    ...{ spawner: standIn, departures: { departed: () => Promise.resolve() } },
  };
  const ownHosts = { full: `${randomHex(16)}.invalid`, roomy: `${randomHex(16)}.invalid` };
  const warmUp = createWarmUp({
    ...{ visitors: config.warmUp, hosts: ownHosts, standIn, notify: notify.address, clock, logger },
    refuse: handlerOf({ ...unheard, routes: ownRoutes(ownHosts.full, FULL), queue }),
    hatch: handlerOf({
      ...{ ...unheard, routes: ownRoutes(ownHosts.roomy, ROOMY) },
      // No slot of it is anybody else's.
      queue: new AdmissionQueue({ clock, random, total }),
    }),
    serve: handlerOf({ routes, recorder, queue, spawner, timeline, departures, tracer: parts.tracer }),
  });
  /** Serves until it is told to end, or may no longer say that it is alive: then others delete what it made. */
  const serve = async (signal: AbortSignal): Promise<void> => {
    if (!(await allSynced(routes, () => hosts.hasSynced() && spawner.isReady(), clock, signal))) return;
    const shown = defaultCertificate.current;
    front = await startFront({
      ...{
        http: config.httpAddress,
        https: tlsOf(config.httpsAddress, routes, shown?.pem),
        limits: FRONT_LIMITS,
        handle: warmUp.handle,
      },
      ...{ rush, clock, logger },
      policy: { isTrusted: trust(config.trustedProxies), randomHex },
      budget: new Budget(BODY_BUDGET_BYTES),
      upgradesFor: (head) => upgradesFor(routes, head),
    });
    const { current } = defaultCertificate;
    if (current !== undefined && current !== shown) front.setDefaultCertificate(current.pem);
    await warmUp.run(front.http, signal);
    logger.info('The ingress serves', { port: front.http.port, tlsPort: front.https?.port, replica });
    await aborted(signal);
    const { cut } = await front.drain(drainLimitsOf(config));
    front = undefined;
    await spawner.deleteAll();
    await Promise.race([Promise.all(afterwards), sleep(clock, AFTERWARDS_MS)]);
    logger.info('The ingress is drained', { cut });
  };
  /** Anew for each time that its Lease was lost. */
  const serveInTerms = async (stop: AbortSignal): Promise<void> => {
    const lease = { rest: client, namespace: config.namespace, replica, clock, random, logger, metrics };
    const drainTimeoutMs = config.drainDelay + Math.max(config.drainLimit, config.drainUpgradedLimit) + AFTERWARDS_MS;
    const changed = (live: number): void => queue.replicasChanged(live);
    while (!stop.aborted) {
      const end = await holdReplica({ ...lease, changed, drainTimeoutMs }, serve, stop);
      if (end === 'replaced') throw new Error(`another process goes by this one's identity ${config.identity}`);
    }
  };
  return {
    ready: () => {
      if (front === undefined) return { ok: false, why: 'routes and hosts are being read, or its Lease is not held' };
      if (warmUp.isUnderway()) return { ok: false, why: 'it warms up' };
      return front.isDraining() ? { ok: false, why: 'it is being stopped' } : { ok: true };
    },
    run: async (signal) => {
      // What watches goes on until the last request is over.
      const over = new AbortController();
      const detach = notify.attach({
        admit: (claim) => (standIn.receiverOf(claim.token) ?? spawner.receiver).admit(claim),
      });
      const watching = [routes, hosts, spawner, defaultCertificate].map((part) => part.run(over.signal));
      try {
        await serveInTerms(signal);
      } finally {
        over.abort();
        detach();
        await front?.close();
        rush.close();
        await Promise.all([timeline.close(), departures.close()]);
        await link.close();
        await Promise.all(watching);
      }
    },
  };
};

/** How long deleting what is left may take at the end. */
const AFTERWARDS_MS = 5_000;
const LOOK_MS = 20;

/** Resolves with true once all is known that requests are served by; with false where it is told to end before. */
const allSynced = async (
  routes: Pick<Routes, 'synced'>,
  others: () => boolean,
  clock: Clock,
  signal: AbortSignal,
): Promise<boolean> => {
  await Promise.race([routes.synced, aborted(signal)]);
  while (!signal.aborted && !others()) await sleep(clock, LOOK_MS, signal);
  return !signal.aborted;
};

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

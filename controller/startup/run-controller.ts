/** `hatchery controller`, once it is known what it is told. */
import { Registry } from 'prom-client';

import { LEASE_NAME } from '#controller/api/index.ts';
import { readLibvirtPki } from '#controller/config/index.ts';
import type { ControllerConfig, LibvirtPki, ReadFile } from '#controller/config/index.ts';
import {
  createEventRecorder,
  createKubeMetrics,
  createLease,
  createRestClient,
  leasedClient,
  loadKubeConfig,
  systemClock,
} from '#controller/kube/index.ts';
import type { KubeMetrics, LeaseEnd, RestClient } from '#controller/kube/index.ts';
import { connect } from '#controller/libvirt/index.ts';
import { createController } from '#controller/lifecycle/index.ts';
import { createRegistry, startTracing } from '#controller/observe/index.ts';
import type { Health, RootLogger, Tracer } from '#controller/observe/index.ts';

import { checkCrds } from './crds.ts';
import { checkPermissions, rightsOf } from './permissions.ts';
import { openPorts } from './ports.ts';
import type { Ports } from './ports.ts';

/** Time for domains' writes under way and for queued events, within signals.ts' END_WITHIN_MS. */
const DRAIN_MS = 8_000;
const EVENTS_MS = 2_000;

/** What a command that serves is given from outside. */
export interface Outside {
  readonly version: string;
  readonly logger: RootLogger;
  readonly readFile: ReadFile;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Aborted when it is to end. */
  readonly stop: AbortSignal;
}

/** Everything that a controller is made of, in the order in which it comes to life. */
export const runController = async (config: ControllerConfig, outside: Outside): Promise<void> => {
  const { version, logger, readFile, environment, stop } = outside;
  const libvirtTls = config.libvirtPki === undefined ? undefined : await readLibvirtPki(config.libvirtPki, readFile);
  const kubeConfig = await loadKubeConfig({ kubeconfig: config.kubeconfig, context: config.context });

  const registry = createRegistry(version);
  const kubeMetrics = createKubeMetrics(registry);
  let ready: Health = { ok: false, why: 'the API server has not been asked yet' };
  const told = {
    registries: () => [registry, program.termRegistry],
    alive: (): Health => ({ ok: true }),
    ready: (): Health => (stop.aborted ? { ok: false, why: 'told to end' } : ready),
  };
  const userAgent = `hatchery/${version}`;
  const ports = await openPorts({ config, kubeConfig, told, userAgent, readFile, logger, signal: stop });
  const { observe, notify, https } = ports;
  logger.info('Hatchery starts', {
    version,
    identity: config.identity,
    server: kubeConfig.server,
    address: observe.address.address,
    port: observe.address.port,
    ...(notify === undefined ? {} : { notifyAddress: notify.address.address, notifyPort: notify.address.port }),
    httpsPort: https.port,
  });

  const service = { name: 'hatchery-controller', version, instance: config.identity };
  const tracing = await startTracing(environment, service, logger);
  const program: Program = {
    ...{ config, logger, libvirtTls, kubeMetrics, ports, tracer: tracing.tracer },
    termRegistry: new Registry(),
  };
  const client = createRestClient(kubeConfig, { metrics: kubeMetrics, userAgent });
  try {
    const patience = { signal: stop, clock: systemClock, random: Math.random, logger };
    await checkPermissions(client, rightsOf(config.namespace, config.ingressNamespace), patience);
    await checkCrds(client, patience);
    ready = { ok: true };
    while (!stop.aborted) endOfTerm(await leadOnce(program, client, stop), program);
  } finally {
    await client.close();
    await ports.close();
    await tracing.close();
  }
};

interface Program {
  readonly config: ControllerConfig;
  readonly logger: RootLogger;
  readonly libvirtTls: LibvirtPki | undefined;
  readonly kubeMetrics: KubeMetrics;
  readonly ports: Ports;
  readonly tracer: Tracer;
  /** Metrics of the controller that leads now: each term has a controller, and a registry, of its own. */
  termRegistry: Registry;
}

/** How a term ended, and who was seen to hold the Lease last. */
interface Term {
  readonly end: LeaseEnd;
  readonly holder: string | undefined;
}

/** Waits for the Lease and runs a controller while it is held. */
const leadOnce = async (program: Program, client: RestClient, stop: AbortSignal): Promise<Term> => {
  const { config, logger, libvirtTls, kubeMetrics } = program;
  const { https, notify } = program.ports;
  const registry = (program.termRegistry = new Registry());
  const parts = { logger, metrics: kubeMetrics, clock: systemClock, random: Math.random };
  const lease = createLease({
    ...parts,
    client,
    namespace: config.namespace,
    name: LEASE_NAME,
    identity: config.identity,
    drainTimeoutMs: DRAIN_MS,
    annotations: https.annotations,
    onNewLeader: (holder) => logger.info('The Lease has a new holder', { holder, identity: config.identity }),
    onStartedLeading: async (signal) => {
      const rest = leasedClient(client, lease);
      const events = createEventRecorder({
        ...parts,
        client: rest,
        component: 'hatchery-controller',
        instance: config.identity,
      });
      const { dom0Label, trustNodeAnnotations, hostLostAfter: hostLostAfterMs, ingressNamespace } = config;
      const options = { dom0Label, trustNodeAnnotations, hostLostAfterMs, libvirtTls, ingressNamespace };
      const mayAct = (): boolean => lease.isHeld();
      const { tracer } = program;
      const deps = { ...parts, rest, mayAct, connect, registry, kubeMetrics, events, notify, tracer, options };
      const controller = createController(deps);
      https.acting = controller;
      try {
        await controller.run(signal);
      } finally {
        https.acting = undefined;
        const unsent = await events.stop(EVENTS_MS);
        if (unsent > 0) logger.warn('Events were left unsent', { unsent });
      }
    },
  });
  const end = await lease.run(stop);
  return { end, holder: lease.holder };
};

/** What follows from the end of a term: nothing, another one, or an end where two processes would fight for ever. */
const endOfTerm = ({ end, holder }: Term, { config, logger }: Program): void => {
  if (end === 'stopped') return;
  if (end === 'replaced' && holder === config.identity) {
    throw new Error(`another process took the Lease ${LEASE_NAME} under this one's identity ${config.identity}`);
  }
  logger.warn('The Lease is lost; standing for it again', { end, holder, identity: config.identity });
};

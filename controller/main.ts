#!/usr/bin/env node
/** The program `hatchery`: reads what it is told, checks that it can work, and runs the controller while it leads, or a tool. */
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';

import { Registry } from 'prom-client';

import { LEASE_NAME } from '#controller/api/index.ts';
import { ConfigError, readCommandLine, readLibvirtPki } from '#controller/config/index.ts';
import type { ConsoleRequest, ControllerConfig, LibvirtPki } from '#controller/config/index.ts';
import {
  createEventRecorder,
  createKubeMetrics,
  createLease,
  createRestClient,
  KubeConfigError,
  leasedClient,
  loadKubeConfig,
  systemClock,
} from '#controller/kube/index.ts';
import type { KubeMetrics, LeaseEnd, RestClient } from '#controller/kube/index.ts';
import { connect } from '#controller/libvirt/index.ts';
import { createController } from '#controller/lifecycle/index.ts';
import { createLogger, createRegistry } from '#controller/observe/index.ts';
import type { Health, RootLogger } from '#controller/observe/index.ts';
import { checkCrds } from '#controller/startup/crds.ts';
import { StartFault } from '#controller/startup/fault.ts';
import { Interrupted } from '#controller/startup/patience.ts';
import { checkPermissions, rightsOf } from '#controller/startup/permissions.ts';
import { openPorts } from '#controller/startup/ports.ts';
import type { Ports } from '#controller/startup/ports.ts';
import { failOnUnhandled, stopOnSignals } from '#controller/startup/signals.ts';
import { printConsole } from '#controller/tools/console.ts';
import { ToolFault } from '#controller/tools/fault.ts';
import { NobodyReads, printTo } from '#controller/tools/print.ts';

import manifest from '../package.json' with { type: 'json' };

const VERSION = manifest.version;

/** 0: ended as told, 1: failed, 2: refused to start, with one line that says why. */
type ExitCode = 0 | 1 | 2;

/** Time for domains' writes under way and for queued events, within signals.ts' END_WITHIN_MS. */
const DRAIN_MS = 8_000;
const EVENTS_MS = 2_000;

const readText = (path: string): Promise<string> => readFile(path, 'utf8');

/** The whole program, from its command line to its end. */
const hatchery = async (): Promise<ExitCode> => {
  const invocation = await readCommandLine({
    args: process.argv.slice(2),
    environment: process.env,
    surroundings: { hostname: hostname(), isTerminal: process.stderr.isTTY, folder: process.cwd() },
    readFile: readText,
    version: VERSION,
  });
  if (invocation.kind === 'print') {
    process.stdout.write(invocation.text);
    return 0;
  }
  if (invocation.kind === 'console') return runConsole(invocation.request);
  const { config } = invocation;
  const logger = createLogger({ level: config.logLevel, format: config.logFormat, stream: process.stderr });
  failOnUnhandled(process, logger, () => logger.close());
  const stop = stopOnSignals(process, logger);
  try {
    await runController(config, logger, stop);
    logger.info('Hatchery has ended');
  } catch (error) {
    if (isRefusal(error)) throw error;
    if (!(error instanceof Interrupted)) {
      logger.error('Hatchery has failed', { error });
      return 1;
    }
  } finally {
    await logger.close();
  }
  return 0;
};

/** `hatchery console`; Ctrl-C ends it as it ends any program. */
const runConsole = async (request: ConsoleRequest): Promise<ExitCode> => {
  try {
    await printConsole(request, VERSION, { print: printTo(process.stdout), tell: say });
  } catch (error) {
    if (error instanceof ToolFault) {
      complain(error);
      return 1;
    }
    if (!(error instanceof NobodyReads)) throw error;
  }
  return 0;
};

/** Everything that a controller is made of, in the order in which it comes to life. */
const runController = async (config: ControllerConfig, logger: RootLogger, stop: AbortSignal): Promise<void> => {
  const libvirtTls = config.libvirtPki === undefined ? undefined : await readLibvirtPki(config.libvirtPki, readText);
  const kubeConfig = await loadKubeConfig({ kubeconfig: config.kubeconfig, context: config.context });

  const registry = createRegistry(VERSION);
  const kubeMetrics = createKubeMetrics(registry);
  let ready: Health = { ok: false, why: 'the API server has not been asked yet' };
  const told = {
    registries: () => [registry, program.termRegistry],
    alive: (): Health => ({ ok: true }),
    ready: (): Health => (stop.aborted ? { ok: false, why: 'told to end' } : ready),
  };
  const userAgent = `hatchery/${VERSION}`;
  const ports = await openPorts({ config, kubeConfig, told, userAgent, readFile: readText, logger, signal: stop });
  const program: Program = { config, logger, libvirtTls, kubeMetrics, ports, termRegistry: new Registry() };
  const { observe, notify, https } = ports;
  logger.info('Hatchery starts', {
    version: VERSION,
    identity: config.identity,
    server: kubeConfig.server,
    address: observe.address.address,
    port: observe.address.port,
    ...(notify === undefined ? {} : { notifyAddress: notify.address.address, notifyPort: notify.address.port }),
    httpsPort: https.port,
  });

  const client = createRestClient(kubeConfig, { metrics: kubeMetrics, userAgent });
  try {
    const patience = { signal: stop, clock: systemClock, random: Math.random, logger };
    await checkPermissions(client, rightsOf(config.namespace), patience);
    await checkCrds(client, patience);
    ready = { ok: true };
    while (!stop.aborted) endOfTerm(await leadOnce(program, client, stop), program);
  } finally {
    await client.close();
    await ports.close();
  }
};

interface Program {
  readonly config: ControllerConfig;
  readonly logger: RootLogger;
  readonly libvirtTls: LibvirtPki | undefined;
  readonly kubeMetrics: KubeMetrics;
  readonly ports: Ports;
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
      const { dom0Label, trustNodeAnnotations, hostLostAfter: hostLostAfterMs } = config;
      const leaseNamespace = config.namespace;
      const options = { dom0Label, trustNodeAnnotations, hostLostAfterMs, libvirtTls, leaseNamespace };
      const mayAct = (): boolean => lease.isHeld();
      const deps = { ...parts, rest, mayAct, connect, registry, kubeMetrics, events, notify, options };
      const controller = createController(deps);
      https.source = controller;
      try {
        await controller.run(signal);
      } finally {
        https.source = undefined;
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

const isRefusal = (error: unknown): error is Error =>
  error instanceof ConfigError || error instanceof KubeConfigError || error instanceof StartFault;

/** One line on standard error. */
const say = (line: string): void => {
  process.stderr.write(`hatchery: ${line.replaceAll(/\s*\n\s*/g, ' ')}\n`);
};

const complain = ({ message }: Error): void => say(message);

const main = async (): Promise<ExitCode> => {
  try {
    return await hatchery();
  } catch (error) {
    if (!isRefusal(error)) throw error;
    complain(error);
    return 2;
  }
};

process.exit(await main());

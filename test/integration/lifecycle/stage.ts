import { randomUUID } from 'node:crypto';

import { Registry } from 'prom-client';

import { DOMAIN_HOSTS, EPHEMERAL_DOMAINS, findCondition, isFinished } from '#controller/api/index.ts';
import type { DomainHost, DomainHostSpec, EphemeralDomain, EphemeralDomainSpec } from '#controller/api/index.ts';
import {
  createEventRecorder,
  createRestClient,
  isKubeError,
  loadKubeConfig,
  NAMESPACES,
  NODES,
  systemClock,
} from '#controller/kube/index.ts';
import type { KubeLogger, KubeObject, ObjectRef, ResourceType, RestClient } from '#controller/kube/index.ts';
import { connect } from '#controller/libvirt/index.ts';
import type { Hypervisor, TlsCredentials } from '#controller/libvirt/index.ts';
import { createController } from '#controller/lifecycle/index.ts';
import type { Controller, ControllerOptions } from '#controller/lifecycle/index.ts';
import { startNotifyServer } from '#controller/notify/index.ts';
import type { NotifyServer } from '#controller/notify/index.ts';
import type { Tracer } from '#controller/observe/index.ts';
import type { Cluster } from '#hack/cluster/cluster.ts';
import type { TestHost } from '#hack/hosts/host.ts';
import { sharedCluster } from '#test/support/bed.ts';
import { eventually } from '#test/support/eventually.ts';
import { Lifeline } from './faults.ts';
import type { Kill } from './faults.ts';
import { adoptHost, createHost, readPki } from './stage-hosts.ts';
import type { AdoptedHost, Label, StageHost } from './stage-hosts.ts';
import type { Guard } from './wire.ts';

export interface RunningController {
  readonly lifeline: Lifeline;
  readonly readConsole: Controller['readConsole'];
  readonly noteTimes: Controller['noteTimes'];
  readonly presentOf: Controller['presentOf'];
  /** Ends it as SIGTERM does. */
  stop(): Promise<void>;
}

/** One namespace, some hosts, and controllers that see only those hosts. */
export interface Stage {
  readonly namespace: string;
  readonly label: Label;
  readonly rest: RestClient;
  /** URL of the API server. */
  readonly server: string;
  readonly log: string[];
  /** Where guests of the stage's controllers tell of themselves, in place of each process' own. */
  readonly notify: NotifyServer;
  /** `guard`: is asked of each call that controllers make there. */
  host(annotations?: Readonly<Record<string, string>>, guard?: Guard): Promise<StageHost>;
  /** A host of the test bed, started by the caller. */
  adopt(host: TestHost): Promise<AdoptedHost>;
  controller(options?: {
    readonly kill?: Kill;
    readonly options?: Partial<ControllerOptions>;
    /** Stands between the controller and its hosts. */
    readonly between?: (host: Hypervisor) => Hypervisor;
    /** URL that it reaches the API server by: a proxy's. */
    readonly server?: string;
    readonly tracer?: Tracer;
  }): Promise<RunningController>;
  create(name: string, spec?: Partial<EphemeralDomainSpec>): Promise<EphemeralDomain>;
  get(name: string): Promise<EphemeralDomain>;
  getHost(name: string): Promise<DomainHost>;
  /** Waits until the host's condition Ready has this status. */
  untilHost(name: string, ready: 'True' | 'False', timeoutMs?: number): Promise<void>;
  /** Changes a DomainHost, and waits until its controller has acted on that and the host is Ready. */
  changeHost(name: string, spec: Partial<DomainHostSpec>): Promise<void>;
  /** Waits until the resource is as the check (which throws) wants it. */
  until(name: string, check: (resource: EphemeralDomain) => void, timeoutMs?: number): Promise<EphemeralDomain>;
  /** What controllers logged and hosts told of any of these UUIDs, in order: for the message of a test that fails. */
  story(...uuids: readonly string[]): string;
  dispose(): Promise<void>;
}

const HELLO: EphemeralDomainSpec = {
  domain: { type: 'pv', memory: '64Mi', vcpus: 1, boot: { kernel: 'hatchling', cmdline: '-mode run -ipaddr $(IP)' } },
};

/** On the shared control plane, or on one that the caller started. */
export async function createStage(own?: Cluster): Promise<Stage> {
  const cluster = own ?? (await sharedCluster());
  const rest = createRestClient(await loadKubeConfig({ kubeconfig: cluster.kubeconfig }));
  const config = await loadKubeConfig({ kubeconfig: cluster.controllerKubeconfig });
  const clients: RestClient[] = [];
  const connectTo = (server: string): RestClient => {
    const client = createRestClient({ ...config, server }, { timeoutMs: 5_000 });
    clients.push(client);
    return client;
  };
  const controllerRest = connectTo(config.server);
  const id = randomUUID().slice(0, 8);
  const namespace = `life-${id}`;
  const label = { key: 'hatchery.test/stage', value: id };
  await rest.create(NAMESPACES, { metadata: { name: namespace } });
  // A kind that was just installed is not served for a moment.
  await eventually(() => rest.list(EPHEMERAL_DOMAINS, { namespace }));
  const hosts: StageHost[] = [];
  const adopted: AdoptedHost[] = [];
  let libvirtTls: TlsCredentials | undefined;
  const running: RunningController[] = [];
  const log: string[] = [];
  const address = { host: '0.0.0.0', port: 0 };
  const notify = await startNotifyServer({ address, logger: collecting(log), now: () => systemClock.now() });

  const stage: Stage = {
    namespace,
    label,
    rest,
    server: config.server,
    log,
    notify,
    host: async (annotations = {}, guard) => {
      const made = await createHost(rest, label, `stage-${id}-${hosts.length + 1}`, annotations, guard);
      hosts.push(made);
      return made;
    },
    adopt: async (host) => {
      libvirtTls = host.tls === undefined ? libvirtTls : await readPki(host.tls);
      const made = await adoptHost(rest, label, host, libvirtTls);
      adopted.push(made);
      return made;
    },
    controller: async ({ kill, options, server, tracer, between = (host: Hypervisor) => host } = {}) => {
      const client = server === undefined ? controllerRest : connectTo(server);
      const told = { ...defaults(label), libvirtTls, ...options };
      const made = startController(client, notify, log, kill, between, told, tracer);
      running.push(made);
      await Promise.resolve();
      return made;
    },
    create: (name, spec = {}) =>
      rest.create(EPHEMERAL_DOMAINS, { metadata: { name, namespace }, spec: { ...HELLO, ...spec } }),
    get: (name) => rest.get(EPHEMERAL_DOMAINS, { name, namespace }),
    getHost: (name) => rest.get(DOMAIN_HOSTS, { name }),
    untilHost: (name, ready, timeoutMs = 30_000) =>
      eventually(
        async () => {
          const condition = findCondition((await stage.getHost(name)).status?.conditions, 'Ready');
          if (condition?.status !== ready)
            throw new Error(`${name} is Ready=${condition?.status ?? 'absent'}: ${condition?.message ?? ''}`);
        },
        { timeoutMs },
      ),
    changeHost: async (name, spec) => {
      const { metadata } = await rest.patch(DOMAIN_HOSTS, { name }, { spec });
      await eventually(async () => {
        const { observedGeneration } = (await stage.getHost(name)).status ?? {};
        if (observedGeneration !== metadata.generation) throw new Error(`the change of ${name} was not seen yet`);
      });
      await stage.untilHost(name, 'True');
    },
    until: (name, check, timeoutMs = 15_000) =>
      eventually(
        async () => {
          const resource = await stage.get(name);
          try {
            check(resource);
          } catch (error) {
            if (error instanceof Error) {
              const { metadata, status } = resource;
              const uuids = [metadata.uid, status?.domain?.uuid ?? []].flat();
              error.message += `\nstatus: ${JSON.stringify(status)}\n${stage.story(...uuids)}`;
            }
            throw error;
          }
          return resource;
        },
        { timeoutMs },
      ),
    story: (...uuids) => {
      const events = [...hosts, ...adopted].flatMap(({ name, events }) =>
        events.map(({ at, ...told }) => `${at} ${name} ${JSON.stringify(told)}`),
      );
      return [...log, ...events]
        .filter((line) => uuids.some((uuid) => line.includes(uuid)))
        .sort()
        .join('\n');
    },
    dispose: async () => {
      for (const controller of running) await controller.stop();
      const left = await rest.list(EPHEMERAL_DOMAINS, { namespace });
      for (const { metadata } of left.items) await forget(rest, EPHEMERAL_DOMAINS, metadata);
      for (const { name, client } of [...hosts, ...adopted]) {
        await forget(rest, NODES, { name });
        await forget(rest, DOMAIN_HOSTS, { name });
        await client.close();
      }
      for (const { libvirtd, wire } of hosts) {
        await wire.close();
        await libvirtd.stop();
      }
      await rest.delete(NAMESPACES, { name: namespace });
      await notify.close();
      for (const client of clients) await client.close();
      await rest.close();
    },
  };
  return stage;
}

/** Throws unless the resource is finished in this phase. */
export function finishedAs(phase: 'Succeeded' | 'Failed', reason?: string): (resource: EphemeralDomain) => void {
  return ({ status }) => {
    if (!isFinished(status?.phase)) throw new Error('not finished');
    if (status?.phase !== phase) throw new Error(`phase is ${status?.phase ?? 'absent'}, not ${phase}`);
    if (reason !== undefined && status.reason !== reason)
      throw new Error(`reason is ${status.reason ?? ''}, not ${reason}`);
  };
}

export function inPhase(phase: string): (resource: EphemeralDomain) => void {
  return ({ status }) => {
    if (status?.phase !== phase) throw new Error(`phase is ${status?.phase ?? 'absent'}, not ${phase}`);
  };
}

function defaults(dom0Label: ControllerOptions['dom0Label']): ControllerOptions {
  return { dom0Label, trustNodeAnnotations: true, hostLostAfterMs: 60_000 };
}

function startController(
  client: RestClient,
  notify: NotifyServer,
  log: string[],
  kill: Kill | undefined,
  between: (host: Hypervisor) => Hypervisor,
  options: ControllerOptions,
  tracer: Tracer | undefined,
): RunningController {
  const stop = new AbortController();
  const lifeline = new Lifeline(kill, () => stop.abort());
  const logger = collecting(log);
  const rest = lifeline.rest(client);
  const events = createEventRecorder({ client: rest, component: 'hatchery-controller', instance: 'test', logger });
  const controller = createController({
    rest,
    mayAct: () => true,
    connect: (given) =>
      lifeline.hypervisor(between(connect({ ...given, observer: lifeline.observer(given.observer) }))),
    clock: systemClock,
    random: Math.random,
    logger,
    registry: new Registry(),
    events,
    notify,
    tracer,
    options,
  });
  const ended = controller.run(stop.signal);
  return {
    lifeline,
    readConsole: (key, sink, live) => controller.readConsole(key, sink, live),
    noteTimes: (key, times) => controller.noteTimes(key, times),
    presentOf: (namespace, asked) => controller.presentOf(namespace, asked),
    stop: async () => {
      stop.abort();
      // What was killed waits for answers that never come.
      if (!lifeline.isDead) await ended;
      lifeline.die();
    },
  };
}

function collecting(log: string[]): KubeLogger {
  const write = (level: string) => (message: string, fields?: Readonly<Record<string, unknown>>) => {
    log.push(
      `${new Date().toISOString()} ${level} ${message} ${fields === undefined ? '' : JSON.stringify(fields, errorText)}`,
    );
    if (process.env['STAGE_LOG'] !== undefined) console.error(log.at(-1));
  };
  return { debug: () => undefined, info: write('info'), warn: write('warn'), error: write('error') };
}

function errorText(_key: string, value: unknown): unknown {
  return value instanceof Error ? (value.stack ?? value.message) : value;
}

/** Deletes what a test may have deleted itself, or the garbage collector, which follows the Node, or its time to live. */
export async function forget(rest: RestClient, type: ResourceType<KubeObject>, object: ObjectRef): Promise<void> {
  try {
    await rest.delete(type, object);
  } catch (error) {
    if (!isKubeError(error, 'not-found')) throw error;
  }
}

import { DOMAIN_HOSTS, EndReason, HostReason, NodeAnnotation } from '#controller/api/index.ts';
import type { DomainHost, DomainHostSpec } from '#controller/api/index.ts';
import { describeFaults, readHostSpec } from '#controller/domain/hostspec.ts';
import type { HostConfig } from '#controller/domain/hostspec.ts';
import { cidrsOverlap } from '#controller/domain/ipv4.ts';
import { createWorkQueue, isKubeError, runWorkers } from '#controller/kube/index.ts';
import type { Clock, KubeLogger, Node, ReconcileResult, RestClient, Store, WorkQueue } from '#controller/kube/index.ts';
import type { HostView } from '#controller/scheduler/index.ts';
import type { ControllerOptions } from './deps.ts';
import type { Abandonment } from './finisher.ts';
import type { HostState } from './host-state.ts';
import { hostStatus, viewForScheduler } from './host-status.ts';
import type { LifecycleMetrics } from './metrics.ts';
import type { WallClock } from './time.ts';
import type { HostWorker } from './worker.ts';
import type { Readiness } from './worker-parts.ts';

export interface HostsParts {
  readonly rest: RestClient;
  readonly nodes: Store<Node>;
  readonly domainHosts: Store<DomainHost>;
  readonly options: ControllerOptions;
  readonly logger: KubeLogger;
  readonly metrics: LifecycleMetrics;
  readonly clock: Clock;
  readonly wall: WallClock;
  readonly makeWorker: (name: string, config: HostConfig, changed: () => void) => HostWorker;
  /** Nobody looks after this host any more. */
  readonly abandoned: (name: string) => void;
  /** Places may have come free, or gone. */
  readonly placesChanged: () => void;
}

interface Running {
  readonly worker: HostWorker;
  readonly spec: string;
  readonly stop: AbortController;
  readonly ended: Promise<void>;
}

type SpecReading =
  | { readonly ok: true; readonly config: HostConfig }
  | { readonly ok: false; readonly reason: string; readonly message: string };

/** Statuses are written at most so often. */
const PUBLISH_MS = 1_000;
const HOSTS_AT_ONCE = 8;

/** Makes a DomainHost for each dom0 Node, keeps a worker for each whose spec makes sense, and writes their statuses. */
export class Hosts {
  readonly #parts: HostsParts;
  readonly #queue: WorkQueue;
  readonly #running = new Map<string, Running>();
  readonly #faults = new Map<string, SpecReading>();
  readonly #published = new Map<string, number>();
  readonly #signal: AbortSignal;

  constructor(parts: HostsParts, signal: AbortSignal) {
    this.#parts = parts;
    this.#signal = signal;
    this.#queue = createWorkQueue({ name: 'hosts', clock: parts.clock, backoff: { baseMs: 200, maxMs: 30_000 } });
  }

  worker(name: string): HostWorker | undefined {
    return this.#running.get(name)?.worker;
  }

  /** What is known of each host that somebody looks after, by its name. */
  states(): ReadonlyMap<string, HostState> {
    return new Map(Array.from(this.#running, ([name, { worker }]) => [name, worker.state]));
  }

  /** A Node or DomainHost of this name came, changed or went. */
  noticed(name: string): void {
    this.#queue.add(name);
    this.#parts.placesChanged();
  }

  /** The spec of some DomainHost came, changed or went: whether their ranges meet is judged anew for all. */
  specsChanged(): void {
    for (const { metadata } of this.#parts.domainHosts.list()) this.#queue.add(metadata.name);
    this.#parts.placesChanged();
  }

  /** Why nobody looks after what is bound to a host; undefined where a worker does, or soon will. */
  whyAbandoned(name: string): Abandonment | undefined {
    if (this.#parts.domainHosts.get(name) === undefined) {
      return { reason: EndReason.HostRemoved, why: `the DomainHost ${name} was deleted` };
    }
    const reading = this.#faults.get(name);
    if (reading?.ok !== false) return undefined;
    return { reason: EndReason.HostLost, why: `the DomainHost ${name} cannot be used (${reading.message})` };
  }

  /** All hosts that there are, for the scheduler. */
  views(): readonly HostView[] {
    return this.#parts.domainHosts.list().flatMap(({ metadata: { name }, spec }) => {
      const node = this.#parts.nodes.get(name);
      const worker = this.worker(name);
      const about = {
        labels: node?.metadata.labels ?? {},
        unschedulable: node?.spec?.unschedulable ?? false,
        taints: node?.spec?.taints ?? [],
        allowedNamespaces: spec.allowedNamespaces,
      };
      if (worker !== undefined)
        return [viewForScheduler(worker, about, node === undefined ? HostReason.NodeRemoved : undefined)];
      const able = { domainTypes: [], attachesDisks: false };
      const nothing = { freeMemory: 0, freeAddresses: 0, domains: 0, maxDomains: 0, starting: 0, maxStarting: 0 };
      const fault = this.#faults.get(name);
      return [
        { ...about, ...able, ...nothing, name, notReady: fault?.ok === false ? fault.reason : HostReason.Connecting },
      ];
    });
  }

  async run(): Promise<void> {
    const { logger, clock } = this.#parts;
    await runWorkers(
      {
        controller: 'hosts',
        queue: this.#queue,
        workers: HOSTS_AT_ONCE,
        reconcile: (name) => this.#reconcile(name),
        logger,
        clock,
      },
      this.#signal,
    );
    await Promise.all([...this.#running.values()].map(({ ended }) => ended));
  }

  async #reconcile(name: string): Promise<ReconcileResult> {
    const { nodes, domainHosts } = this.#parts;
    const node = nodes.get(name);
    const host = domainHosts.get(name);
    if (host === undefined) {
      await this.#stop(name);
      this.#faults.delete(name);
      this.#published.delete(name);
      if (node !== undefined) await this.#make(node);
      return { kind: 'done' };
    }
    const reading = this.#read(host);
    this.#faults.set(name, reading);
    // Which namespaces are allowed is the scheduler's business: the host's connection need not be made anew for it.
    const spec = JSON.stringify({ ...host.spec, allowedNamespaces: undefined });
    if (!reading.ok) {
      await this.#stop(name);
      this.#parts.abandoned(name);
    } else if (this.#running.get(name)?.spec !== spec) {
      await this.#stop(name);
      this.#start(name, reading.config, spec);
    }
    return this.#publish(host);
  }

  #read(host: DomainHost): SpecReading {
    const reading = readHostSpec(host.spec);
    if (!reading.ok) return invalid(describeFaults(reading.faults));
    const { config } = reading;
    if (config.uri.transport === 'tls' && this.#parts.options.libvirtTls === undefined) {
      return invalid(`spec.uri: ${config.uri.text} needs TLS credentials: start the controller with --libvirt-pki`);
    }
    const rival = this.#rival(host, config);
    if (rival === undefined) return { ok: true, config };
    return invalid(`spec.domainCIDR: ${config.network?.cidr.text ?? ''} meets that of the older DomainHost ${rival}`);
  }

  /** An older DomainHost that gives out some of the same addresses. */
  #rival(host: DomainHost, { network }: HostConfig): string | undefined {
    if (network === undefined) return undefined;
    const age = ({ metadata }: DomainHost) => `${metadata.creationTimestamp} ${metadata.name}`;
    const rival = this.#parts.domainHosts.list().find((other) => {
      if (other.metadata.uid === host.metadata.uid || age(other) > age(host)) return false;
      const reading = readHostSpec(other.spec);
      return (
        reading.ok && reading.config.network !== undefined && cidrsOverlap(reading.config.network.cidr, network.cidr)
      );
    });
    return rival?.metadata.name;
  }

  #start(name: string, config: HostConfig, spec: string): void {
    const worker = this.#parts.makeWorker(name, config, () => this.#queue.addAfter(name, this.#publishIn(name)));
    const stop = new AbortController();
    const ended = worker.run(AbortSignal.any([stop.signal, this.#signal])).catch((error: unknown) => {
      this.#parts.logger.error('A host worker failed', { host: name, error });
    });
    this.#running.set(name, { worker, spec, stop, ended });
    this.#parts.placesChanged();
  }

  async #stop(name: string): Promise<void> {
    const running = this.#running.get(name);
    if (running === undefined) return;
    running.stop.abort();
    await running.ended;
    this.#running.delete(name);
    this.#parts.metrics.hostGone(name);
    this.#parts.placesChanged();
  }

  async #make(node: Node): Promise<void> {
    const { name, uid } = node.metadata;
    const spec = specOf(node, this.#parts.options.trustNodeAnnotations);
    if (spec === undefined) {
      this.#parts.logger.warn('A dom0 Node has no InternalIP, so no DomainHost is made for it', { host: name });
      return;
    }
    const ownerReferences = [{ apiVersion: 'v1', kind: 'Node', name, uid }];
    try {
      await this.#parts.rest.create(DOMAIN_HOSTS, { metadata: { name, ownerReferences }, spec });
      this.#parts.logger.info('A DomainHost was made', { host: name, uri: spec.uri });
    } catch (error) {
      if (!isKubeError(error, 'already-exists')) throw error;
    }
  }

  #publishIn(name: string): number {
    return Math.max((this.#published.get(name) ?? -Infinity) + PUBLISH_MS - this.#parts.clock.now(), 20);
  }

  async #publish(host: DomainHost): Promise<ReconcileResult> {
    const { clock, wall, rest, domainHosts, metrics } = this.#parts;
    const { name, resourceVersion, uid } = host.metadata;
    const wait = (this.#published.get(name) ?? -Infinity) + PUBLISH_MS - clock.now();
    if (wait > 0) return { kind: 'again-after', ms: wait };
    const readiness = this.#readiness(name);
    metrics.hostReady(name, readiness.ready);
    const status = hostStatus(host, this.worker(name), readiness, wall());
    if (isContained(status, host.status)) return { kind: 'done' };
    this.#published.set(name, clock.now());
    try {
      domainHosts.put(
        await rest.patchStatus<DomainHost>(DOMAIN_HOSTS, host.metadata, { metadata: { resourceVersion, uid }, status }),
      );
      return { kind: 'done' };
    } catch (error) {
      if (isKubeError(error, 'conflict', 'not-found')) return { kind: 'again-after', ms: PUBLISH_MS };
      throw error;
    }
  }

  #readiness(name: string): Readiness {
    const reading = this.#faults.get(name);
    if (reading?.ok === false) return { ready: false, reason: reading.reason, message: reading.message };
    if (this.#parts.nodes.get(name) === undefined) {
      const { key, value } = this.#parts.options.dom0Label;
      const message = `its Node is gone, or is not labelled ${key}=${value}: nothing new is placed here`;
      return { ready: false, reason: HostReason.NodeRemoved, message };
    }
    const connecting = { ready: false, reason: HostReason.Connecting, message: 'first contact is being made' } as const;
    return this.worker(name)?.readiness ?? connecting;
  }
}

function invalid(message: string): SpecReading {
  return { ok: false, reason: HostReason.InvalidSpec, message };
}

/** Spec of the DomainHost that is made for a Node; undefined where the Node has no address to reach it by. */
export function specOf(node: Node, trustAnnotations: boolean): DomainHostSpec | undefined {
  const told = trustAnnotations ? (node.metadata.annotations ?? {}) : {};
  const address = node.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address;
  const uri = told[NodeAnnotation.LibvirtUri] ?? (address === undefined ? undefined : tlsUri(address));
  if (uri === undefined) return undefined;
  const given = {
    bridge: told[NodeAnnotation.Bridge],
    domainCIDR: told[NodeAnnotation.DomainCidr],
    gateway: told[NodeAnnotation.Gateway],
    imageDirectory: told[NodeAnnotation.ImageDirectory],
  };
  return { uri, ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) };
}

function tlsUri(address: string): string {
  return `xen+tls://${address.includes(':') ? `[${address}]` : address}/system`;
}

/** Whether all that is to be written stands there already; a merge patch would change nothing. */
function isContained(wanted: unknown, there: unknown): boolean {
  if (Array.isArray(wanted)) {
    return (
      Array.isArray(there) && wanted.length === there.length && wanted.every((item, i) => isContained(item, there[i]))
    );
  }
  if (typeof wanted !== 'object' || wanted === null) return wanted === there;
  if (typeof there !== 'object' || there === null) return false;
  const known = there as Readonly<Record<string, unknown>>;
  return Object.entries(wanted).every(([key, value]) => isContained(value, known[key]));
}

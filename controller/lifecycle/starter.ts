import { effectiveSpec } from '#controller/api/index.ts';
import type { EphemeralDomain } from '#controller/api/index.ts';
import type { DomainPlan } from '#controller/domain/xml.ts';
import type { KubeLogger, RestClient } from '#controller/kube/index.ts';
import { createToken } from '#controller/notify/index.ts';
import type { NotifyPort } from '#controller/notify/index.ts';
import { NO_TRACER } from '#controller/observe/tracing.ts';
import type { Tracer } from '#controller/observe/tracing.ts';
import { traceStart } from './attempt-trace.ts';
import type { Binding } from './attempt.ts';
import type { Contact } from './contact.ts';
import { Gate } from './gate.ts';
import type { HostState } from './host-state.ts';
import type { LifecycleMetrics } from './metrics.ts';
import type { Change } from './next.ts';
import { notifyWishes, planDomain } from './plan.ts';
import type { NotifyPlan } from './plan.ts';
import { missingVolumes } from './pool.ts';
import type { ScratchDisks } from './scratch.ts';
import { StartLine } from './start-line.ts';
import type { StartRank } from './start-line.ts';
import type { WallClock } from './time.ts';
import type { StartAnswer } from './trace.ts';
import { ask, hearAnswer } from './tracked.ts';
import type { Tracked } from './tracked.ts';
import { readValues } from './values.ts';

/** Starts domains, at most so many at once, after looking whether all is there that a start needs. */
export class Starter {
  readonly gate: Gate<StartRank>;
  readonly #state: HostState;
  readonly #scratch: ScratchDisks;
  readonly #rest: Pick<RestClient, 'get'>;
  readonly #metrics: LifecycleMetrics;
  readonly #logger: KubeLogger;
  readonly #now: () => number;
  readonly #wall: WallClock;
  /** Told after each answer of the host: the accounts have changed. */
  readonly #answered: (tracked: Tracked) => void;
  readonly #notify: NotifyPort | undefined;
  readonly #tracer: Tracer;

  constructor(parts: {
    readonly state: HostState;
    readonly scratch: ScratchDisks;
    readonly rest: Pick<RestClient, 'get'>;
    readonly metrics: LifecycleMetrics;
    readonly logger: KubeLogger;
    readonly now: () => number;
    readonly wall: WallClock;
    readonly answered: (tracked: Tracked) => void;
    readonly notify?: NotifyPort | undefined;
    readonly tracer?: Tracer | undefined;
  }) {
    const { maxStarting } = parts.state.config;
    this.gate = new Gate(maxStarting, new StartLine(maxStarting, parts.now));
    this.#state = parts.state;
    this.#scratch = parts.scratch;
    this.#rest = parts.rest;
    this.#metrics = parts.metrics;
    this.#logger = parts.logger;
    this.#now = parts.now;
    this.#wall = parts.wall;
    this.#answered = parts.answered;
    this.#notify = parts.notify;
    this.#tracer = parts.tracer ?? NO_TRACER;
  }

  /**
   * Asks the host to start the domain of a binding that is stored; the answer is noted in `tracked`. Returns why it cannot
   * be asked at all, 'not-sent' where it could not be reached, undefined where it was asked. Throws LibvirtError where the
   * images could not be looked up, or no answer came about a disk that is made for it; KubeError where values of parameters
   * could not be read.
   */
  async start(
    contact: Contact,
    tracked: Tracked,
    resource: EphemeralDomain,
    binding: Binding,
    defined: boolean,
  ): Promise<Change | 'not-sent' | undefined> {
    const { config, cluster, name: host } = this.#state;
    // What is defined has its command line already.
    const lack = defined ? undefined : await this.#readValues(tracked, resource);
    if (lack !== undefined) return lack;
    const notify = await this.#notifyPlan(resource, binding);
    const values = defined ? undefined : tracked.values?.plain;
    const planning = planDomain(resource, binding, config, cluster, values, notify);
    if (!planning.ok) return { kind: 'failed', reason: planning.reason, message: planning.message, final: true };
    const missing = await this.#missingImages(contact, planning.plan);
    if (missing.length > 0) return this.#imageNotFound(missing);
    const { disks = [] } = planning.plan;
    const made = disks.filter((disk) => disk.kind !== 'image');
    const fault = await this.#scratch.make(contact, binding.uuid, made, tracked.values?.secrets);
    if (fault !== undefined) return { kind: 'failed', reason: 'DiskFailed', message: fault, final: false };

    const before = tracked.request;
    const asked = this.#now();
    ask(tracked, contact.session, asked, this.#wall());
    // Known before the answer: a guest may speak sooner than the host.
    if (!defined) tracked.token = { given: notify?.token };
    const answer = await (defined ? contact.trace.startDefined(planning.plan) : contact.trace.start(planning.plan));
    // Else it may be another plan's domain that is there.
    if (answer.kind !== 'started') tracked.token = 'unread';
    hearAnswer(tracked, answer, before, this.#now(), this.#wall());
    this.#answered(tracked);
    this.#trace(resource, binding, tracked.requestedAt ?? this.#wall(), answer.kind);
    if (answer.kind === 'started') {
      tracked.values = undefined;
      this.#metrics.started(host, this.#now() - asked);
    } else {
      this.#metrics.startFailed(host);
      const { namespace, name, uid } = resource.metadata;
      const { attempt } = binding;
      this.#logger.warn('A start was not answered well', { namespace, name, uid, host, attempt, answer });
    }
    return answer.kind === 'not-sent' ? 'not-sent' : undefined;
  }

  #trace(resource: EphemeralDomain, { uuid, attempt }: Binding, asked: number, answer: StartAnswer['kind']): void {
    const { name: host, config } = this.#state;
    const call = { host, hypervisor: config.uri.kind, uuid, attempt, asked, answered: this.#wall(), answer };
    traceStart(this.#tracer, resource, call);
  }

  /** The scheduler read them as it bound the attempt; they are read here where that was another process. */
  async #readValues(tracked: Tracked, resource: EphemeralDomain): Promise<Change | undefined> {
    if (tracked.values !== undefined) return undefined;
    const { namespace = '' } = resource.metadata;
    const reading = await readValues(this.#rest, namespace, effectiveSpec(resource)?.parameters ?? []);
    if (reading.ok) {
      tracked.values = reading.values;
      return undefined;
    }
    const { reason, message } = reading;
    if (reason === 'InvalidParameters') return { kind: 'failed', reason, message, final: true };
    // Waiting here would keep its place from others for as long as the value is missing.
    return { kind: 'unbind', reason, message };
  }

  /** Where this guest is to tell of itself; undefined: it does not ask, or no way leads from it to this process. */
  async #notifyPlan(resource: EphemeralDomain, { address }: Binding): Promise<NotifyPlan | undefined> {
    const wishes = notifyWishes(resource);
    const given = resource.spec.request?.notify;
    if (given !== undefined) {
      const { host, port, token } = given;
      return wishes.endpoint ? { endpoint: { host, port }, token: wishes.token ? token : undefined } : undefined;
    }
    if (!wishes.endpoint || address === undefined) return undefined;
    const endpoint = await this.#notify?.endpointFor(address);
    if (endpoint !== undefined) return { endpoint, token: wishes.token ? createToken() : undefined };
    const { namespace, name } = resource.metadata;
    const why = this.#notify === undefined ? 'there is no notify server' : 'there is no route to its address';
    this.#logger.warn('NOTIFY_* is not expanded', { namespace, name, host: this.#state.name, address, why });
    return undefined;
  }

  #missingImages(contact: Contact, { kernel, initrd, disks = [] }: DomainPlan): Promise<readonly string[]> {
    const loaded = this.#state.config.uri.kind === 'lxc' ? undefined : initrd;
    const attached = disks.flatMap((disk) => (disk.kind === 'image' ? disk.volume : []));
    const names = new Set([kernel, ...(loaded === undefined ? [] : [loaded]), ...attached]);
    return missingVolumes(contact.session, contact.pool, [...names]);
  }

  #imageNotFound(missing: readonly string[]): Change {
    const { config } = this.#state;
    const images = missing.map((image) => `"${image}"`).join(' and ');
    const message = `there is no image ${images} in ${config.imageDirectory}: put the file there, or name another`;
    return { kind: 'failed', reason: 'ImageNotFound', message, final: false };
  }
}

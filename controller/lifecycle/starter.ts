import type { EphemeralDomain } from '#controller/api/index.ts';
import type { KubeLogger } from '#controller/kube/index.ts';
import { createToken } from '#controller/notify/index.ts';
import type { NotifyPort } from '#controller/notify/index.ts';
import type { Binding } from './attempt.ts';
import type { Contact } from './contact.ts';
import { Gate } from './gate.ts';
import type { HostState } from './host-state.ts';
import type { LifecycleMetrics } from './metrics.ts';
import type { Change } from './next.ts';
import { notifyWishes, planDomain } from './plan.ts';
import type { NotifyPlan } from './plan.ts';
import { missingVolumes } from './pool.ts';
import type { WallClock } from './time.ts';
import { ask, hearAnswer } from './tracked.ts';
import type { Tracked } from './tracked.ts';

/** Starts domains, at most so many at once, after looking whether all is there that a start needs. */
export class Starter {
  readonly gate: Gate;
  readonly #state: HostState;
  readonly #metrics: LifecycleMetrics;
  readonly #logger: KubeLogger;
  readonly #now: () => number;
  readonly #wall: WallClock;
  /** Told after each answer of the host: the accounts have changed. */
  readonly #answered: (tracked: Tracked) => void;
  readonly #notify: NotifyPort | undefined;

  constructor(parts: {
    readonly state: HostState;
    readonly metrics: LifecycleMetrics;
    readonly logger: KubeLogger;
    readonly now: () => number;
    readonly wall: WallClock;
    readonly answered: (tracked: Tracked) => void;
    readonly notify?: NotifyPort | undefined;
  }) {
    this.gate = new Gate(parts.state.config.maxStarting);
    this.#state = parts.state;
    this.#metrics = parts.metrics;
    this.#logger = parts.logger;
    this.#now = parts.now;
    this.#wall = parts.wall;
    this.#answered = parts.answered;
    this.#notify = parts.notify;
  }

  /**
   * Asks the host to start the domain of a binding that is stored; the answer is noted in `tracked`. Returns why it cannot
   * be asked at all, 'not-sent' where it could not be reached, undefined where it was asked. Throws LibvirtError where the
   * images could not be looked up.
   */
  async start(
    contact: Contact,
    tracked: Tracked,
    resource: EphemeralDomain,
    binding: Binding,
    defined: boolean,
  ): Promise<Change | 'not-sent' | undefined> {
    const { config, cluster, name: host } = this.#state;
    const notify = await this.#notifyPlan(resource, binding);
    const planning = planDomain(resource, binding, config, cluster, notify);
    if (!planning.ok) return { kind: 'failed', reason: 'InvalidCommandLine', message: planning.message, final: true };
    const missing = await this.#missingImages(contact, planning.plan.kernel, planning.plan.initrd);
    if (missing.length > 0) return this.#imageNotFound(missing);

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
    if (answer.kind === 'started') this.#metrics.started(host, this.#now() - asked);
    else {
      this.#metrics.startFailed(host);
      const { namespace, name, uid } = resource.metadata;
      const { attempt } = binding;
      this.#logger.warn('A start was not answered well', { namespace, name, uid, host, attempt, answer });
    }
    return answer.kind === 'not-sent' ? 'not-sent' : undefined;
  }

  /** Where this guest is to tell of itself; undefined: it does not ask, or no way leads from it to this process. */
  async #notifyPlan(resource: EphemeralDomain, { address }: Binding): Promise<NotifyPlan | undefined> {
    const wishes = notifyWishes(resource);
    if (!wishes.endpoint || address === undefined) return undefined;
    const endpoint = await this.#notify?.endpointFor(address);
    if (endpoint !== undefined) return { endpoint, token: wishes.token ? createToken() : undefined };
    const { namespace, name } = resource.metadata;
    const why = this.#notify === undefined ? 'there is no notify server' : 'there is no route to its address';
    this.#logger.warn('NOTIFY_* is not expanded', { namespace, name, host: this.#state.name, address, why });
    return undefined;
  }

  #missingImages(contact: Contact, kernel: string, initrd: string | undefined): Promise<readonly string[]> {
    const isLoaded = initrd !== undefined && this.#state.config.uri.kind !== 'lxc';
    return missingVolumes(contact.session, contact.pool, isLoaded ? [kernel, initrd] : [kernel]);
  }

  #imageNotFound(missing: readonly string[]): Change {
    const { config } = this.#state;
    const images = missing.map((image) => `"${image}"`).join(' and ');
    const message = `there is no image ${images} in ${config.imageDirectory}: put the file there, or name another`;
    return { kind: 'failed', reason: 'ImageNotFound', message, final: false };
  }
}

import { isFinished } from '#controller/api/index.ts';
import type { EphemeralDomain } from '#controller/api/index.ts';
import { runWorkers } from '#controller/kube/index.ts';
import type { ReconcileResult, WorkQueue } from '#controller/kube/index.ts';
import { LibvirtError } from '#controller/libvirt/index.ts';
import type { Hypervisor, LibvirtError as LibvirtFailure, Observer, SessionInfo } from '#controller/libvirt/index.ts';
import { probe } from '#controller/notify/index.ts';
import { bindingOf } from './attempt.ts';
import type { Binding } from './attempt.ts';
import { makeContact, settleMissed } from './contact.ts';
import type { Contact } from './contact.ts';
import { currentContact } from './host-state.ts';
import type { HostState } from './host-state.ts';
import { assumeBinding, heardBefore, identify, noticeBinding, takeList } from './intake.ts';
import { Ledger } from './ledger.ts';
import { observeHost, reasonOf } from './observer.ts';
import { OrphanGuard } from './orphans.ts';
import { patrol } from './patrol.ts';
import { hasPool, isPoolLost } from './pool.ts';
import { Prober } from './prober.ts';
import { reconcile } from './reconcile.ts';
import type { ReconcilerParts } from './reconcile.ts';
import { ScratchDisks } from './scratch.ts';
import { isCurrent } from './session.ts';
import { Settler } from './settler.ts';
import { looseDomains, quarantineLostCreates, surveyOrphans, takenKiB, unidentifiedDomains } from './settling.ts';
import type { Session } from './session.ts';
import { Starter } from './starter.ts';
import { forgetSession, noteBoundByUs, SETTLE_MS } from './tracked.ts';
import type { Tracked } from './tracked.ts';
import type { Values } from './values.ts';
import { createHostQueue, domainsAtOnce, KIND_MISSING } from './worker-parts.ts';
import type { Assumption, Readiness, WorkerParts } from './worker-parts.ts';

/** Everything of one dom0 host, apart from all others: connection, accounts, queue. */
export class HostWorker {
  readonly state: HostState;
  readonly orphans: OrphanGuard;
  readonly #parts: WorkerParts;
  readonly #queue: WorkQueue;
  readonly #starter: Starter;
  readonly #prober: Prober;
  readonly #scratch: ScratchDisks;
  readonly #reconciler: ReconcilerParts;
  readonly #settler: Settler;
  #readiness: Readiness = { ready: false, reason: 'Connecting', message: 'first contact is being made' };
  /** Listed domains that are to be looked after before the host is Ready. */
  #unsettled = new Set<string>();
  /** Attempts whose binding is on its way to the API server, and that neither the host nor a watch had told of before. */
  readonly #unheardOf = new Set<string>();
  #kindServed = true;

  constructor(parts: WorkerParts) {
    const { name, config, cluster, deps, wall } = parts;
    const now = () => deps.clock.now();
    this.#parts = parts;
    const ledger = new Ledger(config.network, now);
    const known = { domains: new Map<string, Tracked>(), assumed: new Set<string>(), ledger, memoryKiB: 0 };
    this.state = { name, config, cluster, ...known, contact: undefined, silentSince: now() };
    this.orphans = new OrphanGuard(now, () => surveyOrphans(this.state, parts.store));
    this.#queue = createHostQueue(name, deps);
    this.#settler = new Settler({
      host: name,
      clock: deps.clock,
      logger: deps.logger,
      settle: (session) => this.#settle(session),
      notReady: (reason, message) => this.#notReady(reason, message),
    });
    const shared = { state: this.state, metrics: parts.metrics, logger: deps.logger, now, wall };
    this.#scratch = new ScratchDisks({ state: this.state, store: parts.store, logger: deps.logger });
    const { rest, notify, tracer } = deps;
    const starting = { ...shared, scratch: this.#scratch, rest, notify, tracer };
    this.#starter = new Starter({ ...starting, answered: (tracked) => this.#answered(tracked) });
    this.#prober = new Prober({ ...shared, clock: deps.clock, probe, changed: (uuid) => this.#queue.add(uuid) });
    this.#reconciler = {
      ...shared,
      store: parts.store,
      writer: parts.writer,
      starter: this.#starter,
      prober: this.#prober,
      scratch: this.#scratch,
      consoles: parts.consoles,
      orphans: this.orphans,
      reporter: parts.reporter,
      hostLostAfterMs: deps.options.hostLostAfterMs,
      settleMs: deps.options.settleMs ?? SETTLE_MS,
      accountsChanged: () => this.#changed(),
      kindServed: (served) => {
        this.#kindServed = served;
      },
    };
  }

  get readiness(): Readiness {
    return this.#readiness.ready && !this.#kindServed ? KIND_MISSING : this.#readiness;
  }

  /** A resource is, or was, bound to this host, and something of it changed. */
  noticed(resource: EphemeralDomain): void {
    const binding = bindingOf(resource);
    if (binding?.host === this.state.name) noticeBinding(this.state, resource, binding, this.#moment());
    const uuid = binding?.uuid ?? resource.status?.domain?.uuid;
    if (uuid !== undefined && this.state.domains.has(uuid)) this.#queue.add(uuid);
  }

  /** A watch told that the resource was deleted. */
  deleted(uuid: string, certain: boolean): void {
    const tracked = this.state.domains.get(uuid);
    if (tracked === undefined) return;
    tracked.deletionSeen ||= certain;
    if (!certain) this.orphans.doubt();
    this.#queue.add(uuid);
  }

  /** Looks after a domain of which something is new that its host did not tell: bound elsewhere by now, or its guest spoke. */
  lookAfter(uuid: string): void {
    if (this.state.domains.has(uuid)) this.#queue.add(uuid);
  }

  /** Takes an address and memory for an attempt that is about to be bound; undefined where there is none any more. */
  assume(resource: EphemeralDomain, uuid: string): Assumption | undefined {
    const assumed = assumeBinding(this.state, resource, uuid);
    if (assumed !== undefined && !this.state.domains.has(uuid)) this.#unheardOf.add(uuid);
    return assumed;
  }

  /** The binding was not stored: what was taken for it is free again. */
  dismiss(uuid: string): void {
    this.#unheardOf.delete(uuid);
    this.state.assumed.delete(uuid);
    if (this.state.domains.has(uuid)) this.#queue.add(uuid);
    else this.state.ledger.drop(uuid);
  }

  /** This process has just stored the binding itself, so nobody can have asked the host for its domain. */
  boundByUs(resource: EphemeralDomain, binding: Binding, values: Values): void {
    const tracked = noticeBinding(this.state, resource, binding, this.#moment());
    // The watch may have told of the binding before its answer came, so what was known before it was sent counts.
    noteBoundByUs(tracked, this.#unheardOf.delete(binding.uuid), values, resource.metadata.resourceVersion);
    this.#queue.add(binding.uuid);
  }

  /** Runs until the signal aborts; nothing is sent to the host after that. */
  async run(signal: AbortSignal): Promise<void> {
    const { deps, store } = this.#parts;
    for (const resource of store.byIndex('host', this.state.name)) {
      if (!isFinished(resource.status?.phase)) this.noticed(resource);
    }
    const hypervisor: Hypervisor = deps.connect({
      uri: this.state.config.uri.text,
      tls: deps.options.libvirtTls,
      maySend: deps.mayAct,
      observer: this.#observer((info) => this.#connected(hypervisor, info, signal)),
      random: deps.random,
      onObserverError: (error) => deps.logger.error('An observer failed', { host: this.state.name, error }),
    });
    const close = () => {
      this.#prober.stop();
      void hypervisor.close();
    };
    signal.addEventListener('abort', close, { once: true });
    const workers = runWorkers(
      {
        controller: 'host',
        queue: this.#queue,
        workers: domainsAtOnce(this.state.config),
        reconcile: (uuid) => this.#reconcile(uuid),
        logger: deps.logger,
        clock: deps.clock,
      },
      signal,
    );
    await Promise.all([workers, patrol(this.#patrolParts(), signal)]);
    this.#parts.consoles.close();
    await hypervisor.close();
  }

  async #reconcile(uuid: string): Promise<ReconcileResult> {
    try {
      const tracked = this.state.domains.get(uuid);
      const contact = currentContact(this.state);
      if (tracked?.owner === undefined && tracked !== undefined) {
        if (contact === undefined) return { kind: 'done' };
        await identify(this.state, contact.session, tracked);
        this.#changed();
      }
      const result = await reconcile(this.#reconciler, uuid);
      if (this.#unsettled.delete(uuid) && this.#unsettled.size === 0) this.#becomeReady();
      return result;
    } catch (error) {
      // Without a connection nothing can be done; with the next one everything is looked at again.
      const contact = currentContact(this.state);
      if (error instanceof LibvirtError && contact === undefined) return { kind: 'done' };
      if (contact === undefined || !isPoolLost(error)) throw error;
      void this.#settler.poolLost(contact.session, error.message);
      // Looked after again once the host is settled.
      return { kind: 'done' };
    }
  }

  #observer(connected: (info: SessionInfo) => Promise<void>): Observer {
    return observeHost({
      state: this.state,
      moment: () => this.#moment(),
      changed: (uuid) => this.#queue.add(uuid),
      connected: (info) => void connected(info),
      disconnected: (error) => this.#disconnected(error),
      notReady: (reason, message) => this.#notReady(reason, message),
    });
  }

  /** First contact on a new session. */
  #connected(hypervisor: Hypervisor, { generation }: SessionInfo, signal: AbortSignal): Promise<void> {
    this.state.silentSince = undefined;
    const session: Session = { hypervisor, generation, since: this.#parts.deps.clock.now() };
    return this.#settler.connected(session, signal);
  }

  async #settle(session: Session): Promise<void> {
    const before = heardBefore(this.state);
    const known = this.state.contact?.session === session ? this.state.contact.identity.boot : undefined;
    const contact = await makeContact(session, this.state.config, known);
    takeList(this.state, contact.listed, before, this.#moment());
    for (const tracked of unidentifiedDomains(this.state)) await identify(this.state, session, tracked);
    if (!isCurrent(session)) return;
    this.state.contact = contact;
    this.state.memoryKiB = contact.memoryKiB(takenKiB(this.state));
    quarantineLostCreates(this.state, this.#parts.store, contact.identity.boot);
    this.orphans.judge();
    this.#unsettled = new Set(looseDomains(this.state, this.#parts.store));
    for (const uuid of this.state.domains.keys()) this.#queue.add(uuid);
    if (this.#unsettled.size === 0) this.#becomeReady();
    void this.#scratch.sweep(contact);
  }

  #becomeReady(): void {
    if (currentContact(this.state) === undefined || this.#readiness.ready) return;
    this.#readiness = { ready: true };
    this.#parts.deps.logger.info('A host is Ready', { host: this.state.name, domains: this.state.domains.size });
    this.#changed();
  }

  #notReady(reason: string, message: string): void {
    this.#readiness = { ready: false, reason, message };
    this.#changed();
  }

  #disconnected(error: LibvirtFailure): void {
    if (error.kind === 'closed') return;
    const { clock, logger } = this.#parts.deps;
    this.state.silentSince = clock.now();
    this.#unsettled.clear();
    for (const tracked of this.state.domains.values()) forgetSession(tracked);
    logger.warn('A host does not answer', { host: this.state.name, error: error.message });
    this.#notReady(reasonOf(error), error.message);
    for (const uuid of this.state.domains.keys()) this.#queue.add(uuid);
  }

  #answered({ uuid, found }: Tracked): void {
    if (found?.kind === 'active') this.state.ledger.setState(uuid, 'running');
    this.#changed();
  }

  #patrolParts() {
    const { clock, logger } = this.#parts.deps;
    return {
      state: this.state,
      clock,
      wall: this.#parts.wall,
      changed: (uuid: string) => this.#queue.add(uuid),
      resync: (contact: Contact) => this.#resync(contact),
      failed: (error: unknown) => logger.warn('A regular look at a host failed', { host: this.state.name, error }),
    };
  }

  async #resync(contact: Contact): Promise<void> {
    if (!(await hasPool(contact.session, contact.pool))) {
      await this.#settler.poolLost(contact.session, 'a regular look did not find it');
      return;
    }
    await settleMissed(contact, this.state.name, this.#parts.deps.logger);
    const before = heardBefore(this.state);
    const listed = await contact.trace.list();
    const { unknown, changed } = takeList(this.state, listed, before, this.#moment());
    for (const uuid of [...unknown.map((tracked) => tracked.uuid), ...changed]) this.#queue.add(uuid);
    this.orphans.judge();
    void this.#scratch.sweep(contact);
  }

  #moment() {
    return { now: this.#parts.deps.clock.now(), wall: this.#parts.wall() };
  }

  #changed(): void {
    this.#parts.changed(this.state.name);
  }
}

import { attemptUuid, domainName } from '#controller/domain/identity.ts';
import { isKubeError, keyOf, sleep } from '#controller/kube/index.ts';
import type { Clock, KubeLogger } from '#controller/kube/index.ts';
import { policyOf } from '#controller/api/index.ts';
import type { EphemeralDomain } from '#controller/api/index.ts';
import { PendingQueue, place, waitingMessage } from '#controller/scheduler/index.ts';
import type { Ask, HostView, Labels, Refusal as HostRefusal } from '#controller/scheduler/index.ts';
import type { Refusal } from '#controller/templates/index.ts';
import { askOf, signatureOf } from './asks.ts';
import { bindingOf, isSameBinding, mayBePlaced, nextAttempt, pausedUntil } from './attempt.ts';
import { Holds } from './holds.ts';
import type { Preparer, Provision, Waiting } from './preparer.ts';
import { bindPatch } from './render.ts';
import type { Reporter } from './reporter.ts';
import { timeOf } from './time.ts';
import type { WallClock } from './time.ts';
import type { Values } from './values.ts';
import type { HostWorker } from './worker.ts';
import type { Assumption } from './worker-parts.ts';
import { Priority } from './writer.ts';
import type { DomainStore, StatusWriter } from './writer.ts';

export interface PlacerParts {
  readonly store: DomainStore;
  readonly writer: StatusWriter;
  readonly reporter: Reporter;
  readonly logger: KubeLogger;
  readonly clock: Clock;
  readonly wall: WallClock;
  /** KEY=VALUE, for the message that there is no host. */
  readonly dom0Label: string;
  readonly preparer: Preparer;
  readonly hosts: () => readonly HostView[];
  readonly worker: (host: string) => HostWorker | undefined;
  /** Labels of a Namespace; undefined while it is not known. */
  readonly namespaceLabels: (name: string) => Labels | undefined;
  /** It turned out that a resource can never be started: see refusalOf. */
  readonly refused: (resource: EphemeralDomain) => void;
}

/** Bindings that wait for the API server at once. */
const BINDS_AT_ONCE = 16;
/** Decisions in one go, so that events are heard in between. */
const DECISIONS_AT_ONCE = 200;
const RETRY_MS = 1_000;

/** Binds what waits for a place, by priority and then first come first served; each binding is one status patch. */
export class Placer {
  readonly #parts: PlacerParts;
  readonly #pending = new PendingQueue();
  /** Why no host takes what asks so, as of the last try. */
  readonly #refusals = new Map<string, readonly HostRefusal[]>();
  /** Wall clock ms of the first sight of a resource that waits, by UID. */
  readonly #seen = new Map<string, number>();
  readonly #holds: Holds;
  /** UIDs of what is being bound: what is noticed of it meanwhile begins no second binding, which would share its claims. */
  readonly #binding = new Set<string>();
  /** How many of those pause, since it is not known whether their binding is stored. */
  #pausing = 0;
  #isDue = false;
  #stopped = false;

  constructor(parts: PlacerParts) {
    this.#parts = parts;
    this.#holds = new Holds(() => parts.clock.now());
  }

  get waiting(): number {
    return this.#pending.size;
  }

  stop(): void {
    this.#stopped = true;
  }

  /** A resource is there, or has changed. */
  noticed(resource: EphemeralDomain): void {
    const key = keyOf(resource.metadata);
    const { uid, creationTimestamp } = resource.metadata;
    if (!mayBePlaced(resource)) {
      this.#pending.remove(key);
      this.#holds.release(uid);
      if (policyOf(resource).suspend) this.#seen.delete(uid);
      return;
    }
    if (this.#binding.has(uid)) return;
    const now = this.#parts.wall();
    if (!this.#seen.has(uid)) this.#seen.set(uid, now);
    const pause = (pausedUntil(resource) ?? now) - now;
    if (pause > 0) {
      this.#pending.remove(key);
      // A timer may come a little early: it would only be set again.
      this.#parts.clock.after(pause + 1, () => this.#again(key));
      return;
    }
    const ready = this.#ready(resource);
    if (ready === undefined) {
      this.#pending.remove(key);
      return;
    }
    const { priority } = policyOf(ready);
    this.#pending.add({ key, signature: signatureOf(ready), priority, since: timeOf(creationTimestamp) ?? now });
    this.#due();
  }

  /** The resource as it is to be placed; undefined where it lacks something, or can never be started. */
  #ready(resource: EphemeralDomain): EphemeralDomain | undefined {
    const { uid } = resource.metadata;
    const prepared = this.#parts.preparer.prepare(resource);
    if (prepared.kind === 'lacks') this.#holds.hold(uid, prepared.lack);
    if (prepared.kind !== 'ready') return undefined;
    if (this.#holds.lackOf(uid)?.reason === 'TemplateNotFound') this.#holds.release(uid);
    return this.#holds.restOf(uid) > 0 || this.#holds.refusalOf(uid) !== undefined ? undefined : prepared.resource;
  }

  gone(resource: EphemeralDomain): void {
    this.#pending.remove(keyOf(resource.metadata));
    this.#seen.delete(resource.metadata.uid);
    this.#holds.release(resource.metadata.uid);
  }

  /** A host may have a place now. */
  hostsChanged(): void {
    this.#pending.unblock();
    this.#refusals.clear();
    this.#due();
  }

  /** Why a resource waits, in words; undefined where it has not been refused, or is being bound. */
  waitingFor(resource: EphemeralDomain): Waiting | undefined {
    if (!this.#pending.isBlocked(keyOf(resource.metadata))) return this.#holds.lackOf(resource.metadata.uid);
    const ready = this.#ready(resource);
    const refusals = ready && this.#refusals.get(signatureOf(ready));
    if (ready === undefined || refusals === undefined) return undefined;
    return { reason: 'Unschedulable', message: waitingMessage(this.#askOf(ready), refusals, this.#parts.dom0Label) };
  }

  /** Wall clock ms since which a resource waits; undefined where it does not. */
  waitsSince(resource: EphemeralDomain): number | undefined {
    const { uid } = resource.metadata;
    const waits = this.#pending.has(keyOf(resource.metadata)) || this.#holds.lackOf(uid) !== undefined;
    return waits ? this.#seen.get(uid) : undefined;
  }

  /** Why a pending resource can never be started, as far as the cache tells; undefined where it may be. */
  refusalOf(resource: EphemeralDomain): Refusal | undefined {
    const prepared = this.#parts.preparer.prepare(resource);
    return prepared.kind === 'refused' ? prepared.refusal : this.#holds.refusalOf(resource.metadata.uid);
  }

  #askOf(resource: EphemeralDomain): Ask {
    return askOf(resource, this.#parts.namespaceLabels(resource.metadata.namespace ?? ''));
  }

  #again(key: string): void {
    const resource = this.#parts.store.get(key);
    if (resource !== undefined && !this.#stopped) this.noticed(resource);
  }

  /** One pass for all that happens in this turn of the event loop. */
  #due(): void {
    if (this.#isDue || this.#stopped) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      if (!this.#stopped) this.#pass();
    });
  }

  #pass(): void {
    for (let decided = 0; this.#binding.size - this.#pausing < BINDS_AT_ONCE; decided += 1) {
      const item = this.#pending.next();
      if (item === undefined) return;
      if (decided >= DECISIONS_AT_ONCE) {
        this.#due();
        return;
      }
      const resource = this.#parts.store.get(item.key);
      const ready = resource !== undefined && mayBePlaced(resource) ? this.#ready(resource) : undefined;
      if (resource === undefined || ready === undefined) {
        this.#pending.remove(item.key);
        continue;
      }
      const placement = place(this.#askOf(ready), this.#parts.hosts());
      if (placement.kind === 'none') {
        this.#refusals.set(item.signature, placement.refusals);
        this.#pending.block(item.signature);
      } else {
        this.#pending.remove(item.key);
        this.#begin(resource, ready, placement.host);
      }
    }
  }

  #begin(resource: EphemeralDomain, ready: EphemeralDomain, host: string): void {
    const { uid, namespace, name } = resource.metadata;
    this.#binding.add(uid);
    void this.#bind(resource, ready, host)
      .catch((error: unknown): Outcome => {
        if (!isKubeError(error)) this.#parts.logger.error('A binding failed', { namespace, name, host, error });
        return { kind: 'again', afterMs: RETRY_MS };
      })
      .then((outcome) => {
        this.#binding.delete(uid);
        this.#ended(resource, outcome);
      });
  }

  #ended(resource: EphemeralDomain, outcome: Outcome): void {
    const key = keyOf(resource.metadata);
    if (outcome.kind === 'again' && outcome.afterMs === 0) this.#again(key);
    else if (outcome.kind === 'again') {
      this.#parts.clock.after(outcome.afterMs, () => {
        this.#holds.wake(resource.metadata.uid);
        this.#again(key);
      });
    } else if (outcome.kind === 'refused') this.#parts.refused(resource);
    // What was not bound has given its place back, which may do for what was set aside.
    if (outcome.kind !== 'bound') {
      this.hostsChanged();
      return;
    }
    // Its attempt may have failed, and been told of, before the answer to its binding came.
    this.#again(key);
    this.#due();
  }

  /** Throws KubeError where the API server could not be asked; nothing is bound then. */
  async #bind(resource: EphemeralDomain, ready: EphemeralDomain, host: string): Promise<Outcome> {
    const worker = this.#parts.worker(host);
    const uuid = attemptUuid(resource.metadata.uid, nextAttempt(resource));
    // At once, so that the next one to be placed is told what is left.
    const assumed = worker?.assume(ready, uuid);
    // A worker that is being stopped still looks as if it had room: at once again would be a busy loop.
    if (worker === undefined || assumed === undefined) return { kind: 'again', afterMs: RETRY_MS };
    const { uid } = resource.metadata;
    try {
      const provision = await this.#parts.preparer.provide(resource);
      switch (provision.kind) {
        case 'ready':
          return await this.#store(provision, worker, { host, uuid, ...assumed });
        case 'lacks':
          return { kind: 'again', afterMs: this.#holds.pause(uid, provision.lack) };
        case 'refused':
          this.#holds.refuse(uid, provision.refusal);
          return { kind: 'refused' };
      }
    } finally {
      worker.dismiss(uuid);
    }
  }

  async #store({ resource, values }: Ready, worker: HostWorker, place: Place): Promise<Outcome> {
    const { writer, wall, reporter, store } = this.#parts;
    const { host, uuid, address, identity } = place;
    const name = domainName(address, uuid);
    const seen = this.#seen.get(resource.metadata.uid) ?? wall();
    const binding = { host, address, name, uuid, hostBoot: identity.boot, hostDaemon: identity.daemon, seen };
    let leave = await writer.gate.enter(Priority.bind);
    const pause = async (): Promise<boolean> => {
      leave();
      this.#pausing += 1;
      this.#due();
      await sleep(this.#parts.clock, RETRY_MS);
      this.#pausing -= 1;
      leave = await writer.gate.enter(Priority.bind);
      return !this.#stopped;
    };
    try {
      const patch = bindPatch(resource, binding, wall());
      const written = await writer.writeSurely(resource, patch, (stored) => bindHere(worker, stored, values), pause);
      const now = written.kind === 'stored' ? written.resource : store.get(keyOf(resource.metadata));
      if (now === undefined || !isSameBinding(bindingOf(now), binding)) return { kind: 'again', afterMs: 0 };
      this.#seen.delete(now.metadata.uid);
      this.#holds.release(now.metadata.uid);
      reporter.bound(now);
      // An answer that was lost: nobody but us can have stored this.
      if (written.kind === 'again') bindHere(worker, now, values);
      return { kind: 'bound' };
    } finally {
      leave();
    }
  }
}

/** What came of the attempt to bind a resource. */
type Outcome =
  | { readonly kind: 'bound' }
  /** To be looked at again, after ms. */
  | { readonly kind: 'again'; readonly afterMs: number }
  | { readonly kind: 'refused' };

type Ready = Extract<Provision, { kind: 'ready' }>;

type Place = Assumption & { readonly host: string; readonly uuid: string };

function bindHere(worker: HostWorker, stored: EphemeralDomain, values: Values): void {
  const binding = bindingOf(stored);
  if (binding !== undefined) worker.boundByUs(stored, binding, values);
}

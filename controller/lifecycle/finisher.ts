import { EPHEMERAL_DOMAINS, EndReason, policyOf } from '#controller/api/index.ts';
import type { EphemeralDomain } from '#controller/api/index.ts';
import { createWorkQueue, isKubeError, keyOf, runWorkers } from '#controller/kube/index.ts';
import type { Clock, KubeLogger, ReconcileResult, RestClient, WorkQueue } from '#controller/kube/index.ts';
import { bindingOf, deadlineOf, expiryOf, isPending, startDeadlineOf } from './attempt.ts';
import type { Change } from './next.ts';
import type { Placer } from './placer.ts';
import type { Preparer } from './preparer.ts';
import { changePatch, unboundFailurePatch, waitingPatch } from './render.ts';
import type { StatusPatch } from './render.ts';
import type { Reporter } from './reporter.ts';
import type { WallClock } from './time.ts';
import { resumedPatch, suspendedPatch } from './unbind.ts';
import { waitingStep } from './waiting.ts';
import { Priority } from './writer.ts';
import type { DomainStore, StatusWriter } from './writer.ts';

export interface FinisherParts {
  readonly rest: RestClient;
  readonly store: DomainStore;
  readonly writer: StatusWriter;
  readonly reporter: Reporter;
  readonly placer: Placer;
  readonly preparer: Preparer;
  /** Why nobody looks after what is bound to this host; undefined where a worker does, or soon will. */
  readonly whyAbandoned: (host: string) => Abandonment | undefined;
  readonly hostLostAfterMs: number;
  readonly clock: Clock;
  readonly wall: WallClock;
  readonly logger: KubeLogger;
}

/** A host that is not looked after. */
export interface Abandonment {
  readonly reason: typeof EndReason.HostRemoved | typeof EndReason.HostLost;
  /** What is the matter with it. */
  readonly why: string;
}

const OVERDUE = 'it was active for longer than activeDeadlineSeconds allows, and nobody looks after its host';
const DONE: ReconcileResult = { kind: 'done' };
const AT_ONCE = 8;
/** A reason for waiting is written only after so long, and a changed one so much later. */
const WAITED_MS = 5_000;
const CHANGED_MS = 30_000;
/** A template that is gone from the API server is so in the cache a moment later. */
const GONE_MS = 1_000;
/** Reasons for waiting are the least urgent of all writes, and never more than so many a second. */
const REASON_EVERY_MS = 50;

/**
 * What time and people do to resources that no host worker looks after: reasons for waiting, deadlines, suspension, lost
 * hosts, TTL.
 */
export class Finisher {
  readonly #parts: FinisherParts;
  readonly #queue: WorkQueue;
  /** Monotonic ms since which a resource's host has been missing, by UID. */
  readonly #hostMissing = new Map<string, number>();
  /** Monotonic ms at which a resource's reason for waiting was written last, by UID. */
  readonly #told = new Map<string, number>();
  /** Monotonic ms at which a resource's turn to be told comes, by UID. */
  readonly #turns = new Map<string, number>();
  #nextTurn = 0;

  constructor(parts: FinisherParts) {
    this.#parts = parts;
    this.#queue = createWorkQueue({ name: 'finisher', clock: parts.clock, backoff: { baseMs: 200, maxMs: 30_000 } });
  }

  noticed(resource: EphemeralDomain): void {
    const key = keyOf(resource.metadata);
    if (isPending(resource)) {
      const { placer, preparer } = this.#parts;
      const isTold = resource.status?.phase !== undefined || policyOf(resource).suspend;
      const isUrgent = isTold || isTimed(preparer.foresee(resource)) || placer.refusalOf(resource) !== undefined;
      if (!isUrgent) this.#queue.addAfter(key, WAITED_MS);
      else this.#queue.add(key);
      return;
    }
    const binding = bindingOf(resource);
    const isLoose = binding !== undefined && this.#parts.whyAbandoned(binding.host) !== undefined;
    if (isLoose || expiryOf(resource) !== undefined) this.#queue.add(key);
  }

  gone(resource: EphemeralDomain): void {
    const { uid } = resource.metadata;
    for (const times of [this.#hostMissing, this.#told, this.#turns]) times.delete(uid);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { logger, clock } = this.#parts;
    const reconcile = (key: string) => this.#reconcile(key);
    await runWorkers(
      { controller: 'finisher', queue: this.#queue, workers: AT_ONCE, reconcile, logger, clock },
      signal,
    );
  }

  async #reconcile(key: string): Promise<ReconcileResult> {
    const resource = this.#parts.store.get(key);
    if (resource === undefined) return DONE;
    const expiry = expiryOf(resource);
    if (expiry !== undefined) return this.#expire(resource, expiry);
    const binding = bindingOf(resource);
    if (binding !== undefined) return this.#loose(resource, binding.host);
    return isPending(resource) ? this.#pending(resource) : DONE;
  }

  async #expire(resource: EphemeralDomain, expiry: number): Promise<ReconcileResult> {
    const wait = expiry - this.#parts.wall();
    if (wait > 0) return { kind: 'again-after', ms: wait };
    const { uid } = resource.metadata;
    try {
      await this.#parts.rest.delete(EPHEMERAL_DOMAINS, resource.metadata, { preconditions: { uid } });
    } catch (error) {
      if (!isKubeError(error, 'not-found', 'conflict')) throw error;
    }
    return DONE;
  }

  /** Bound to a host that nobody looks after: what becomes of its domain cannot be said. */
  async #loose(resource: EphemeralDomain, host: string): Promise<ReconcileResult> {
    const { whyAbandoned, hostLostAfterMs, clock, wall } = this.#parts;
    const { uid } = resource.metadata;
    const abandoned = whyAbandoned(host);
    if (abandoned === undefined) {
      this.#hostMissing.delete(uid);
      return DONE;
    }
    const since = this.#hostMissing.get(uid) ?? clock.now();
    this.#hostMissing.set(uid, since);
    const deadline = (deadlineOf(resource) ?? Infinity) - wall();
    const wait = Math.min(since + hostLostAfterMs - clock.now(), deadline);
    if (wait > 0) return { kind: 'again-after', ms: wait };
    const told = `${abandoned.why}: whether the domain still runs is not known`;
    const change: Change =
      deadline <= 0
        ? { kind: 'failed', reason: EndReason.DeadlineExceeded, message: OVERDUE, final: true }
        : { kind: 'failed', reason: abandoned.reason, message: told, final: false };
    const binding = bindingOf(resource);
    const written = await this.#write(resource, changePatch(resource, change, {}, wall()), Priority.end);
    if (written !== undefined && binding !== undefined) this.#parts.reporter.changed(written, binding);
    return DONE;
  }

  async #pending(resource: EphemeralDomain): Promise<ReconcileResult> {
    const { placer, preparer, wall } = this.#parts;
    const now = wall();
    const step = waitingStep(preparer.foresee(resource), now);
    switch (step.kind) {
      case 'rest':
        return DONE;
      case 'suspend':
        return this.#hold(resource, suspendedPatch(resource, { neverRan: true }, {}, now));
      case 'resume':
        return this.#hold(resource, resumedPatch(resource, now));
      case 'fail':
        return this.#overdue(resource);
      case 'wait': {
        if (placer.refusalOf(resource) !== undefined) return this.#refused(resource);
        const ms = Math.min(step.leftMs, await this.#tellWhyItWaits(resource));
        return ms === Infinity ? DONE : { kind: 'again-after', ms };
      }
    }
  }

  async #hold(resource: EphemeralDomain, patch: StatusPatch): Promise<ReconcileResult> {
    const written = await this.#write(resource, patch, Priority.end);
    if (written !== undefined) this.#parts.reporter.changed(written);
    return DONE;
  }

  /** A deadline of the template's is one only if the API server holds it now: that it is over is final. */
  async #overdue(resource: EphemeralDomain): Promise<ReconcileResult> {
    const { preparer, wall } = this.#parts;
    if (!(await preparer.refresh(resource))) return { kind: 'again-after', ms: GONE_MS };
    const foreseen = preparer.foresee(resource);
    const step = waitingStep(foreseen, wall());
    return step.kind === 'fail' ? this.#fail(foreseen, step.reason, step.message) : { kind: 'again-after', ms: 0 };
  }

  /** That it can never be started is final, so it is decided on the template as the API server holds it now. */
  async #refused(resource: EphemeralDomain): Promise<ReconcileResult> {
    const { placer, preparer } = this.#parts;
    if (!(await preparer.refresh(resource))) return { kind: 'again-after', ms: GONE_MS };
    const refusal = placer.refusalOf(resource);
    return refusal === undefined ? DONE : this.#fail(resource, refusal.reason, refusal.message);
  }

  async #fail(resource: EphemeralDomain, reason: EndReason, message: string): Promise<ReconcileResult> {
    const patch = unboundFailurePatch(resource, reason, message, this.#parts.wall());
    const written = await this.#write(resource, patch, Priority.end);
    if (written !== undefined) this.#parts.reporter.failedUnbound(written);
    return DONE;
  }

  /** Returns ms until it is to be looked at again; Infinity: when something changes. */
  async #tellWhyItWaits(resource: EphemeralDomain): Promise<number> {
    const { placer, clock, wall } = this.#parts;
    const since = placer.waitsSince(resource);
    if (since === undefined) return Infinity;
    const young = since + WAITED_MS - wall();
    if (young > 0) return young;
    const waiting = placer.waitingFor(resource);
    if (waiting === undefined) return WAITED_MS;
    if (waiting.message === resource.status?.message) return CHANGED_MS;
    const { uid } = resource.metadata;
    const pause = this.#untilTold(uid, clock.now());
    if (pause > 0) return pause;
    this.#turns.delete(uid);
    this.#told.set(uid, clock.now());
    const patch = waitingPatch(resource, waiting.reason, waiting.message, wall());
    const written = await this.#write(resource, patch, Priority.waiting);
    if (written !== undefined) this.#parts.reporter.waiting(written);
    return CHANGED_MS;
  }

  /** ms until a resource may be told why it waits: each has its turn, and a changed reason comes no sooner than CHANGED_MS. */
  #untilTold(uid: string, now: number): number {
    const told = this.#told.get(uid);
    if (told !== undefined && told + CHANGED_MS > now) return told + CHANGED_MS - now;
    const turn = this.#turns.get(uid) ?? Math.max(this.#nextTurn, now);
    if (!this.#turns.has(uid)) this.#nextTurn = turn + REASON_EVERY_MS;
    this.#turns.set(uid, turn);
    return turn - now;
  }

  async #write(resource: EphemeralDomain, patch: StatusPatch, priority: number): Promise<EphemeralDomain | undefined> {
    const leave = await this.#parts.writer.gate.enter(priority);
    try {
      const written = await this.#parts.writer.write(resource, patch);
      return written.kind === 'stored' ? written.resource : undefined;
    } finally {
      leave();
    }
  }
}

function isTimed(resource: EphemeralDomain): boolean {
  return deadlineOf(resource) !== undefined || startDeadlineOf(resource) !== undefined;
}

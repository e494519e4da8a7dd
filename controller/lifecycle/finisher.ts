import { EPHEMERAL_DOMAINS, EndReason, ProgressReason, policyOf } from '#controller/api/index.ts';
import type { EphemeralDomain } from '#controller/api/index.ts';
import { createWorkQueue, isKubeError, keyOf, runWorkers } from '#controller/kube/index.ts';
import type { Clock, KubeLogger, ReconcileResult, RestClient, WorkQueue } from '#controller/kube/index.ts';
import { bindingOf, deadlineOf, expiryOf, isPending, startDeadlineOf } from './attempt.ts';
import type { Change } from './next.ts';
import type { Placer } from './placer.ts';
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
  /** Whether there is a worker, or soon will be, that looks after what is bound to this host. */
  readonly hasHost: (name: string) => boolean;
  readonly hostLostAfterMs: number;
  readonly clock: Clock;
  readonly wall: WallClock;
  readonly logger: KubeLogger;
}

const DONE: ReconcileResult = { kind: 'done' };
const AT_ONCE = 8;
/** A reason for waiting is written only after so long, and a changed one so much later. */
const WAITED_MS = 5_000;
const CHANGED_MS = 30_000;
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
  #nextReason = 0;

  constructor(parts: FinisherParts) {
    this.#parts = parts;
    this.#queue = createWorkQueue({ name: 'finisher', clock: parts.clock, backoff: { baseMs: 200, maxMs: 30_000 } });
  }

  noticed(resource: EphemeralDomain): void {
    const key = keyOf(resource.metadata);
    if (isPending(resource)) {
      const isNew = resource.status?.phase === undefined && !isTimed(resource) && !policyOf(resource).suspend;
      if (isNew) this.#queue.addAfter(key, WAITED_MS);
      else this.#queue.add(key);
      return;
    }
    const binding = bindingOf(resource);
    const isLoose = binding !== undefined && !this.#parts.hasHost(binding.host);
    if (isLoose || expiryOf(resource) !== undefined) this.#queue.add(key);
  }

  gone(resource: EphemeralDomain): void {
    this.#hostMissing.delete(resource.metadata.uid);
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

  /** Bound to a host whose DomainHost is gone: nobody can say what becomes of it. */
  async #loose(resource: EphemeralDomain, host: string): Promise<ReconcileResult> {
    const { uid } = resource.metadata;
    if (this.#parts.hasHost(host)) {
      this.#hostMissing.delete(uid);
      return DONE;
    }
    const now = this.#parts.clock.now();
    const since = this.#hostMissing.get(uid) ?? now;
    this.#hostMissing.set(uid, since);
    const wait = since + this.#parts.hostLostAfterMs - now;
    if (wait > 0) return { kind: 'again-after', ms: wait };
    const message = `the DomainHost ${host} was deleted: whether the domain still runs is not known`;
    const change: Change = { kind: 'failed', reason: EndReason.HostRemoved, message, final: false };
    const binding = bindingOf(resource);
    const written = await this.#write(resource, changePatch(resource, change, {}, this.#parts.wall()), Priority.end);
    if (written !== undefined && binding !== undefined) this.#parts.reporter.changed(written, binding);
    return DONE;
  }

  async #pending(resource: EphemeralDomain): Promise<ReconcileResult> {
    const now = this.#parts.wall();
    const step = waitingStep(resource, now);
    switch (step.kind) {
      case 'rest':
        return DONE;
      case 'suspend':
        return this.#hold(resource, suspendedPatch(resource, { neverRan: true }, {}, now));
      case 'resume':
        return this.#hold(resource, resumedPatch(resource, now));
      case 'fail':
        return this.#overdue(resource, unboundFailurePatch(resource, step.reason, step.message, now));
      case 'wait': {
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

  async #overdue(resource: EphemeralDomain, patch: StatusPatch): Promise<ReconcileResult> {
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
    const message = placer.waitingFor(resource);
    if (message === undefined) return WAITED_MS;
    if (message === resource.status?.message) return CHANGED_MS;
    const pause = this.#nextReason - clock.now();
    if (pause > 0) return pause;
    this.#nextReason = clock.now() + REASON_EVERY_MS;
    const patch = waitingPatch(resource, ProgressReason.Unschedulable, message, wall());
    const written = await this.#write(resource, patch, Priority.waiting);
    if (written !== undefined) this.#parts.reporter.waiting(written);
    return CHANGED_MS;
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

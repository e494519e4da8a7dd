import { attemptUuid, domainName } from '#controller/domain/identity.ts';
import { isKubeError, keyOf } from '#controller/kube/index.ts';
import type { Clock, KubeLogger } from '#controller/kube/index.ts';
import { policyOf } from '#controller/api/index.ts';
import type { EphemeralDomain } from '#controller/api/index.ts';
import { PendingQueue, place, waitingMessage } from '#controller/scheduler/index.ts';
import type { Ask, HostView, Labels, Refusal } from '#controller/scheduler/index.ts';
import { bindingOf, mayBePlaced, nextAttempt, pausedUntil } from './attempt.ts';
import type { Binding } from './attempt.ts';
import { memoryKiBOf } from './plan.ts';
import { bindPatch } from './render.ts';
import type { NewBinding } from './render.ts';
import type { Reporter } from './reporter.ts';
import { timeOf } from './time.ts';
import type { WallClock } from './time.ts';
import type { HostWorker } from './worker.ts';
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
  readonly hosts: () => readonly HostView[];
  readonly worker: (host: string) => HostWorker | undefined;
  /** Labels of a Namespace; undefined while it is not known. */
  readonly namespaceLabels: (name: string) => Labels | undefined;
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
  readonly #refusals = new Map<string, readonly Refusal[]>();
  /** Wall clock ms of the first sight of a resource that waits, by UID. */
  readonly #seen = new Map<string, number>();
  #binding = 0;
  #isDue = false;
  #stopped = false;

  constructor(parts: PlacerParts) {
    this.#parts = parts;
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
      if (policyOf(resource).suspend) this.#seen.delete(uid);
      return;
    }
    const now = this.#parts.wall();
    if (!this.#seen.has(uid)) this.#seen.set(uid, now);
    const pause = (pausedUntil(resource) ?? now) - now;
    if (pause > 0) {
      this.#pending.remove(key);
      this.#parts.clock.after(pause, () => this.#again(key));
      return;
    }
    const { priority } = policyOf(resource);
    this.#pending.add({ key, signature: signatureOf(resource), priority, since: timeOf(creationTimestamp) ?? now });
    this.#due();
  }

  gone(resource: EphemeralDomain): void {
    this.#pending.remove(keyOf(resource.metadata));
    this.#seen.delete(resource.metadata.uid);
  }

  /** A host may have a place now. */
  hostsChanged(): void {
    this.#pending.unblock();
    this.#refusals.clear();
    this.#due();
  }

  /** Why a resource waits, in words; undefined where it has not been refused, or is being bound. */
  waitingFor(resource: EphemeralDomain): string | undefined {
    if (!this.#pending.isBlocked(keyOf(resource.metadata))) return undefined;
    const refusals = this.#refusals.get(signatureOf(resource));
    return refusals === undefined ? undefined : waitingMessage(this.#askOf(resource), refusals, this.#parts.dom0Label);
  }

  /** Wall clock ms since which a resource waits; undefined where it does not. */
  waitsSince(resource: EphemeralDomain): number | undefined {
    return this.#pending.has(keyOf(resource.metadata)) ? this.#seen.get(resource.metadata.uid) : undefined;
  }

  #askOf(resource: EphemeralDomain): Ask {
    const { namespace = '' } = resource.metadata;
    return {
      memory: memoryKiBOf(resource) * 1024,
      hostSelector: resource.spec.hostSelector,
      tolerations: policyOf(resource).tolerations,
      namespace: { name: namespace, labels: this.#parts.namespaceLabels(namespace) },
    };
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
    for (let decided = 0; this.#binding < BINDS_AT_ONCE; decided += 1) {
      const item = this.#pending.next();
      if (item === undefined) return;
      if (decided >= DECISIONS_AT_ONCE) {
        this.#due();
        return;
      }
      const resource = this.#parts.store.get(item.key);
      if (resource === undefined || !mayBePlaced(resource)) {
        this.#pending.remove(item.key);
        continue;
      }
      const placement = place(this.#askOf(resource), this.#parts.hosts());
      if (placement.kind === 'none') {
        this.#refusals.set(item.signature, placement.refusals);
        this.#pending.block(item.signature);
      } else {
        this.#pending.remove(item.key);
        this.#begin(resource, placement.host);
      }
    }
  }

  #begin(resource: EphemeralDomain, host: string): void {
    this.#binding += 1;
    const { namespace, name } = resource.metadata;
    void this.#bind(resource, host)
      .catch((error: unknown) => {
        if (!isKubeError(error)) this.#parts.logger.error('A binding failed', { namespace, name, host, error });
        this.#parts.clock.after(RETRY_MS, () => this.#again(keyOf(resource.metadata)));
      })
      .finally(() => {
        this.#binding -= 1;
        this.#due();
      });
  }

  /** Throws KubeError where the API server could not be asked; nothing is bound then. */
  async #bind(resource: EphemeralDomain, host: string): Promise<void> {
    const { writer, wall, reporter, store } = this.#parts;
    const worker = this.#parts.worker(host);
    const uuid = attemptUuid(resource.metadata.uid, nextAttempt(resource));
    const assumed = worker?.assume(resource, uuid);
    if (worker === undefined || assumed === undefined) {
      this.#again(keyOf(resource.metadata));
      return;
    }
    const { address, identity } = assumed;
    const name = domainName(address, uuid);
    const seen = this.#seen.get(resource.metadata.uid) ?? wall();
    const binding = { host, address, name, uuid, hostBoot: identity.boot, hostDaemon: identity.daemon, seen };
    const leave = await writer.gate.enter(Priority.bind);
    try {
      const patch = bindPatch(resource, binding, wall());
      const written = await writer.write(resource, patch, (stored) => bindHere(worker, stored));
      const now = written.kind === 'stored' ? written.resource : store.get(keyOf(resource.metadata));
      const isOurs = now !== undefined && isSameBinding(bindingOf(now), binding);
      if (now !== undefined && isOurs) {
        this.#seen.delete(now.metadata.uid);
        reporter.bound(now);
        // An answer that was lost: nobody but us can have stored this.
        if (written.kind === 'again') bindHere(worker, now);
      } else this.#again(keyOf(resource.metadata));
    } finally {
      leave();
      worker.dismiss(uuid);
    }
  }
}

function bindHere(worker: HostWorker, stored: EphemeralDomain): void {
  const binding = bindingOf(stored);
  if (binding !== undefined) worker.boundByUs(stored, binding);
}

function isSameBinding(stored: Binding | undefined, ours: NewBinding): boolean {
  return (
    stored?.uuid === ours.uuid &&
    stored.host === ours.host &&
    stored.address === ours.address &&
    stored.hostBoot === ours.hostBoot
  );
}

/** What asks the same is refused by the same hosts. */
function signatureOf(resource: EphemeralDomain): string {
  const { hostSelector = null } = resource.spec;
  const { tolerations } = policyOf(resource);
  return JSON.stringify([memoryKiBOf(resource), hostSelector, tolerations, resource.metadata.namespace]);
}

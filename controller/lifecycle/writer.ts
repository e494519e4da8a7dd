import { EPHEMERAL_DOMAINS, isFinished, RequestLabel } from '#controller/api/index.ts';
import type { EphemeralDomain } from '#controller/api/index.ts';
import { isKubeError, keyOf, refOf } from '#controller/kube/index.ts';
import type { RestClient, Store } from '#controller/kube/index.ts';
import { isPending, unknownAttemptsOf } from './attempt.ts';
import { ByUrgency, Gate } from './gate.ts';
import { templateKeyOf } from './preparer.ts';
import type { StatusPatch } from './render.ts';

/**
 * Indexes of the cache: by the host, and by the domain's UUID and name there, that a resource is, or was last, bound to; by
 * the template that it waits to be made from; by the hosts that may hold a domain of one of its attempts without libvirt
 * knowing it (which `uuid` finds, too); while it is not finished, by the ingress replica that serves it.
 */
export type DomainIndex = 'host' | 'uuid' | 'name' | 'template' | 'unknown' | 'replica';
export type DomainStore = Store<EphemeralDomain, DomainIndex>;

/** See DomainIndex. */
export const DOMAIN_INDEXERS: Readonly<Record<DomainIndex, (resource: EphemeralDomain) => readonly string[]>> = {
  template: (resource) => (isPending(resource) ? [templateKeyOf(resource) ?? []].flat() : []),
  replica: (resource) => [replicaOf(resource) ?? []].flat(),
  host: ({ status }) => (status?.host === undefined ? [] : [status.host]),
  uuid: (resource) => [resource.status?.domain?.uuid ?? [], unknownAttemptsOf(resource).map(({ uuid }) => uuid)].flat(),
  name: ({ status }) => (status?.domain?.name === undefined ? [] : [status.domain.name]),
  unknown: (resource) => [...new Set(unknownAttemptsOf(resource).map(({ host }) => host))],
};

/** The ingress replica that serves an unfinished resource's request. */
function replicaOf({ metadata, spec, status }: EphemeralDomain): string | undefined {
  return spec.request === undefined || isFinished(status?.phase) ? undefined : metadata.labels?.[RequestLabel.Replica];
}

export type Written =
  | { readonly kind: 'stored'; readonly resource: EphemeralDomain }
  /** Something else changed it, or it is not known whether the write was done: decide again on what the cache holds now. */
  | { readonly kind: 'again' };

/** Who goes first when the API server is busy: ends free a place, so they come before what needs one. */
export const Priority = { end: 0, bind: 1, running: 2, waiting: 3 } as const;

/** Calls to the API server that wait for an answer at once: more only wait there. */
const WRITES_AT_ONCE = 24;

/** Writes statuses and reads live; the cache is never older than what comes back. */
export class StatusWriter {
  readonly gate = new Gate(WRITES_AT_ONCE, new ByUrgency());
  readonly #rest: RestClient;
  readonly #store: DomainStore;
  #served: { readonly until: number; readonly answer: Promise<boolean> } | undefined;
  readonly #now: () => number;

  constructor(rest: RestClient, store: DomainStore, now: () => number) {
    this.#rest = rest;
    this.#store = store;
    this.#now = now;
  }

  /**
   * Throws KubeError where nothing was written and asking again later is all that can be done. `onStored` is called before
   * the cache, and with it everybody else, learns of it.
   */
  async write(
    resource: EphemeralDomain,
    patch: StatusPatch,
    onStored?: (resource: EphemeralDomain) => void,
  ): Promise<Written> {
    try {
      return await this.#write(resource, patch, onStored);
    } catch (error) {
      if (!isKubeError(error) || !error.mayHaveRun) throw error;
      await this.readLive(keyOf(resource.metadata));
      return { kind: 'again' };
    }
  }

  /**
   * As write, but ends only when it is known whether the patch is stored: after a lost answer it may still be under way, and
   * reading would not tell. It is sent again after each `pause` until it is stored, or the resource has changed, after which
   * no earlier one can be. Throws KubeError where nothing was written, or once `pause` resolves with false.
   */
  async writeSurely(
    resource: EphemeralDomain,
    patch: StatusPatch,
    onStored: (resource: EphemeralDomain) => void,
    pause: () => Promise<boolean>,
  ): Promise<Written> {
    let mayBeStored = false;
    for (;;) {
      try {
        return await this.#write(resource, patch, onStored);
      } catch (error) {
        if (!isKubeError(error)) throw error;
        mayBeStored ||= error.mayHaveRun;
        if (!mayBeStored || !(await pause())) throw error;
      }
    }
  }

  async #write(
    resource: EphemeralDomain,
    patch: StatusPatch,
    onStored?: (resource: EphemeralDomain) => void,
  ): Promise<Written> {
    try {
      const stored = await this.#rest.patchStatus<EphemeralDomain>(EPHEMERAL_DOMAINS, resource.metadata, patch);
      onStored?.(stored);
      this.#store.put(stored);
      return { kind: 'stored', resource: stored };
    } catch (error) {
      if (!isKubeError(error, 'conflict', 'not-found')) throw error;
      await this.readLive(keyOf(resource.metadata));
      return { kind: 'again' };
    }
  }

  /** What the API server holds now; undefined where it answers that there is none. */
  async readLive(key: string): Promise<EphemeralDomain | undefined> {
    try {
      const resource = await this.#rest.get(EPHEMERAL_DOMAINS, refOf(key));
      this.#store.put(resource);
      return resource;
    } catch (error) {
      if (isKubeError(error, 'not-found')) return undefined;
      throw error;
    }
  }

  /** Whether the API server knows the kind at all: without its CRD every resource is "not found". */
  isKindServed(): Promise<boolean> {
    const now = this.#now();
    if (this.#served === undefined || this.#served.until <= now) {
      this.#served = { until: now + SERVED_FOR_MS, answer: this.#askIfServed() };
    }
    return this.#served.answer;
  }

  async #askIfServed(): Promise<boolean> {
    try {
      await this.#rest.list(EPHEMERAL_DOMAINS, { limit: 1 });
      return true;
    } catch (error) {
      if (isKubeError(error, 'not-found')) return false;
      throw error;
    }
  }
}

/** One answer serves the many orphans of one list. */
const SERVED_FOR_MS = 500;

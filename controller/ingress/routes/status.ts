import { INGRESSES, isKubeError, createWorkQueue, runWorkers } from '#controller/kube/index.ts';
import type {
  Clock,
  Ingress,
  KubeLogger,
  LoadBalancerIngress,
  ReconcileResult,
  RestClient,
} from '#controller/kube/index.ts';

/** Where Ingresses of ours are reached. */
export type Addresses = readonly LoadBalancerIngress[];

/**
 * What status.loadBalancer.ingress is to be, or undefined to leave it. An Ingress that was given to another class is cleared
 * of our addresses, unless its new controller has written its own by then.
 */
export const statusWanted = (
  ingress: Ingress,
  ours: boolean,
  wasOurs: boolean,
  addresses: Addresses,
): Addresses | undefined => {
  const now = ingress.status?.loadBalancer?.ingress ?? [];
  if (ours) return sameAddresses(now, addresses) ? undefined : addresses;
  return wasOurs && now.length > 0 && sameAddresses(now, addresses) ? [] : undefined;
};

const sameAddresses = (a: Addresses, b: Addresses): boolean =>
  a.length === b.length && a.every(({ ip, hostname }, at) => ip === b[at]?.ip && hostname === b[at]?.hostname);

export interface StatusParts {
  readonly client: RestClient;
  readonly logger: KubeLogger;
  readonly clock: Clock;
  readonly addresses: Addresses;
  readonly find: (key: string) => Ingress | undefined;
  readonly put: (ingress: Ingress) => void;
}

const WRITERS = 2;
const TIMEOUT_MS = 10_000;
const BACKOFF = { baseMs: 200, maxMs: 60_000 };

/** Keeps status.loadBalancer of the Ingresses that are ours. Several replicas write the same, so whoever is first spares the rest. */
export class StatusKeeper {
  readonly #parts: StatusParts;
  readonly #queue;
  #ours: ReadonlySet<string> = new Set<string>();
  /** UIDs of Ingresses that are ours, or were and may still have our addresses. */
  readonly #known = new Map<string, string>();

  constructor(parts: StatusParts) {
    this.#parts = parts;
    this.#queue = createWorkQueue({ name: 'ingress-status', clock: parts.clock, backoff: BACKOFF });
  }

  /** All Ingresses that are ours now, by namespace/name. */
  follow(ours: ReadonlyMap<string, Ingress>): void {
    this.#ours = new Set(ours.keys());
    for (const [key, { metadata }] of ours) this.#known.set(key, metadata.uid);
    for (const key of this.#known.keys()) {
      const ingress = this.#parts.find(key);
      if (ingress === undefined) this.#known.delete(key);
      else if (this.#wanted(key, ingress) !== undefined) this.#queue.add(key);
      else if (!this.#ours.has(key)) this.#known.delete(key);
    }
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#parts;
    const reconcile = (key: string): Promise<ReconcileResult> => this.#write(key);
    await runWorkers(
      { controller: 'ingress-status', queue: this.#queue, workers: WRITERS, reconcile, clock, logger },
      signal,
    );
  }

  #wanted(key: string, ingress: Ingress): Addresses | undefined {
    const wasOurs = this.#known.get(key) === ingress.metadata.uid;
    return statusWanted(ingress, this.#ours.has(key), wasOurs, this.#parts.addresses);
  }

  async #write(key: string): Promise<ReconcileResult> {
    const { client, find, put } = this.#parts;
    const ingress = find(key);
    const wanted = ingress === undefined ? undefined : this.#wanted(key, ingress);
    if (ingress === undefined || wanted === undefined) return { kind: 'done' };
    const { resourceVersion, uid } = ingress.metadata;
    try {
      const patch = { metadata: { resourceVersion, uid }, status: { loadBalancer: { ingress: wanted } } };
      put(await client.patchStatus(INGRESSES, ingress.metadata, patch, { timeoutMs: TIMEOUT_MS }));
      return { kind: 'done' };
    } catch (error) {
      if (isKubeError(error, 'not-found')) return { kind: 'done' };
      // Somebody else was first; the watch brings what is there now.
      if (isKubeError(error, 'conflict')) return { kind: 'retry' };
      throw error;
    }
  }
}

import { policyOf } from '#controller/api/index.ts';
import type { EphemeralDomain } from '#controller/api/index.ts';
import { Turns } from '#controller/scheduler/turns.ts';
import type { Line } from './gate.ts';

/** Whose a start is. */
export interface StartRank {
  /** The higher goes first. */
  readonly priority: number;
  readonly namespace: string;
  /** '' for what is made without one. */
  readonly template: string;
}

export const startRankOf = (resource: EphemeralDomain): StartRank => ({
  priority: policyOf(resource).priority,
  namespace: resource.metadata.namespace ?? '',
  template: resource.spec.templateRef?.name ?? '',
});

/** The starts of one template that are of one priority. */
interface Flow {
  readonly rank: StartRank;
  waiting: number;
  /** Under way. */
  inside: number;
  /** Monotonic ms at which the last one came or was over. */
  usedAt: number;
}

interface Waiter {
  readonly flow: Flow;
  readonly enter: () => void;
}

interface Tenant {
  readonly namespace: string;
  /** By template. */
  readonly turns: Turns<Waiter>;
}

interface Level {
  readonly priority: number;
  /** By namespace: a tenant stands here once for each start, and has whichever of its templates' turn it is then. */
  readonly turns: Turns<Tenant>;
  /** Those with somebody waiting. */
  readonly tenants: Map<string, Tenant>;
}

/** A template is about for so long after a start of it. */
const ABOUT_MS = 2_000;

/**
 * Starts that wait for one host: the highest priority first; of one priority namespaces take turns, within each its
 * templates, and within one template who was bound first is first. So a crowd that is bound in one moment keeps nobody
 * else waiting for all of it. Nor does it slow their starts down, which share the host's CPUs and locks with those beside
 * them: who has more starts than half of the places has a quarter of these while another template is about that has fewer
 * waiting, and no lower priority.
 */
export class StartLine implements Line<StartRank> {
  readonly #places: number;
  readonly #now: () => number;
  readonly #levels = new Map<number, Level>();
  readonly #flows = new Map<string, Flow>();
  #size = 0;

  /** `places`: starts that are under way at once, at most; `now`: monotonic ms. */
  constructor(places: number, now: () => number) {
    this.#places = places;
    this.#now = now;
  }

  get size(): number {
    return this.#size;
  }

  push(enter: () => void, rank: StartRank): void {
    const { priority, namespace, template } = rank;
    const flow = this.#flowOf(rank);
    flow.waiting += 1;
    flow.usedAt = this.#now();
    const { turns, tenants } = this.#levelOf(priority);
    const tenant = tenants.get(namespace) ?? { namespace, turns: new Turns<Waiter>() };
    tenants.set(namespace, tenant);
    tenant.turns.push(template, { flow, enter });
    turns.push(namespace, tenant);
    this.#size += 1;
  }

  pop(): (() => void) | undefined {
    if (this.#size === 0) return undefined;
    this.#forgetOld();
    const free = new Set([...this.#flows.values()].filter((flow) => flow.waiting > 0 && this.#mayStart(flow)));
    const isFree = ({ flow }: Waiter): boolean => free.has(flow);
    for (const level of [...this.#levels.values()].toSorted((one, other) => other.priority - one.priority)) {
      const namespaces = new Set(
        [...free].filter(({ rank }) => rank.priority === level.priority).map(({ rank }) => rank.namespace),
      );
      const tenant = level.turns.pop(({ namespace }) => namespaces.has(namespace));
      const waiter = tenant?.turns.pop(isFree);
      if (tenant !== undefined && waiter !== undefined) return this.#takeOut(level, tenant, waiter);
    }
    return undefined;
  }

  left(rank: StartRank): void {
    const flow = this.#flowOf(rank);
    flow.inside -= 1;
    flow.usedAt = this.#now();
  }

  #takeOut(level: Level, tenant: Tenant, { flow, enter }: Waiter): () => void {
    flow.waiting -= 1;
    flow.inside += 1;
    this.#size -= 1;
    if (tenant.turns.size === 0) level.tenants.delete(tenant.namespace);
    if (level.turns.size === 0) this.#levels.delete(level.priority);
    return enter;
  }

  /** Some of a template that may not are inside, so that somebody looks again: when the next of them leaves. */
  #mayStart(flow: Flow): boolean {
    const isCrowd = flow.waiting + flow.inside > this.#places / 2;
    if (!isCrowd || flow.inside < Math.max(1, Math.floor(this.#places / 4))) return true;
    for (const other of this.#flows.values()) {
      if (other.waiting < flow.waiting && other.rank.priority >= flow.rank.priority) return false;
    }
    return true;
  }

  #flowOf(rank: StartRank): Flow {
    const key = `${rank.priority}/${rank.namespace}/${rank.template}`;
    const known = this.#flows.get(key);
    if (known !== undefined) return known;
    const flow = { rank, waiting: 0, inside: 0, usedAt: this.#now() };
    this.#flows.set(key, flow);
    return flow;
  }

  /** What is left are those that are about. */
  #forgetOld(): void {
    const since = this.#now() - ABOUT_MS;
    for (const [key, { waiting, inside, usedAt }] of this.#flows) {
      if (waiting === 0 && inside === 0 && usedAt < since) this.#flows.delete(key);
    }
  }

  #levelOf(priority: number): Level {
    const known = this.#levels.get(priority);
    if (known !== undefined) return known;
    const made: Level = { priority, turns: new Turns(), tenants: new Map() };
    this.#levels.set(priority, made);
    return made;
  }
}

import { policyOf } from '#controller/api/index.ts';
import type { EphemeralDomain } from '#controller/api/index.ts';
import { Heap } from '#controller/scheduler/heap.ts';
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

type Enter = () => void;

interface Tenant {
  readonly namespace: string;
  /** By template. */
  readonly turns: Turns<Enter>;
}

interface Level {
  readonly priority: number;
  /** By namespace: a tenant stands here once for each start, and has whichever of its templates' turn it is then. */
  readonly turns: Turns<Tenant>;
  /** Those with somebody waiting. */
  readonly tenants: Map<string, Tenant>;
}

/**
 * Starts that wait for one host: the highest priority first; of one priority namespaces take turns, within each its
 * templates, and within one template who was bound first is first. So a crowd that is bound in one moment keeps nobody
 * else waiting for all of it.
 */
export class StartLine implements Line<StartRank> {
  readonly #levels = new Map<number, Level>();
  readonly #highest = new Heap<Level>((one, other) => one.priority > other.priority);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(enter: Enter, { priority, namespace, template }: StartRank): void {
    const { turns, tenants } = this.#levelOf(priority);
    const tenant = tenants.get(namespace) ?? { namespace, turns: new Turns<Enter>() };
    tenants.set(namespace, tenant);
    tenant.turns.push(template, enter);
    turns.push(namespace, tenant);
    this.#size += 1;
  }

  pop(): Enter | undefined {
    const level = this.#highest.peek();
    const tenant = level?.turns.pop();
    const enter = tenant?.turns.pop();
    if (level === undefined || tenant === undefined || enter === undefined) return undefined;
    this.#size -= 1;
    if (tenant.turns.size === 0) level.tenants.delete(tenant.namespace);
    if (level.turns.size === 0) {
      this.#highest.pop();
      this.#levels.delete(level.priority);
    }
    return enter;
  }

  #levelOf(priority: number): Level {
    const known = this.#levels.get(priority);
    if (known !== undefined) return known;
    const made: Level = { priority, turns: new Turns(), tenants: new Map() };
    this.#levels.set(priority, made);
    this.#highest.push(made);
    return made;
  }
}

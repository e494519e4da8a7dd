import type { Timer } from '#controller/kube/index.ts';
import { LinkedList } from './list.ts';
import type { Place } from './list.ts';
import { ReturnRate } from './rate.ts';
import { SentAway } from './retry-after.ts';
import type { Admission, TemplateLimits } from './types.ts';

/** One request in a queue. */
export interface Waiter {
  readonly client: string;
  /** Monotonic ms. */
  readonly since: number;
  readonly answer: (admission: Admission) => void;
}

/** The requests of one template. */
export interface Crowd {
  readonly namespace: Neighbourhood;
  readonly template: string;
  limits: TemplateLimits;
  readonly waiting: LinkedList<Waiter>;
  held: number;
  /** Requests, waiting or with a slot, of each client. */
  readonly clients: Map<string, number>;
  readonly rate: ReturnRate;
  readonly sentAway: SentAway;
  /** Ends the wait of the first in the queue, or looks whether it is time to. */
  timer: Timer | undefined;
  /** In its namespace's ring, while it has somebody waiting and a slot to give. */
  turn: Place<Crowd> | undefined;
  /** Monotonic ms of the last change. */
  usedAt: number;
}

/** The templates of one namespace. */
export interface Neighbourhood {
  readonly name: string;
  readonly crowds: Map<string, Crowd>;
  /** Those that may be given a slot, in the order of their turns. */
  readonly ring: LinkedList<Crowd>;
  turn: Place<Neighbourhood> | undefined;
}

export function createNeighbourhood(name: string): Neighbourhood {
  return { name, crowds: new Map(), ring: new LinkedList(), turn: undefined };
}

export function createCrowd(
  namespace: Neighbourhood,
  template: string,
  limits: TemplateLimits,
  now: () => number,
): Crowd {
  return {
    ...{ namespace, template, limits, waiting: new LinkedList<Waiter>(), held: 0, clients: new Map<string, number>() },
    ...{ rate: new ReturnRate(now), sentAway: new SentAway(now), timer: undefined, turn: undefined, usedAt: now() },
  };
}

/** One request more, or less, of a client. */
export function countClient({ clients }: Crowd, client: string, by: 1 | -1): void {
  const count = (clients.get(client) ?? 0) + by;
  if (count === 0) clients.delete(client);
  else clients.set(client, count);
}

/** Puts a crowd into the ring of its namespace, and that into the ring of all, or takes them out, as `isEligible` says. */
export function setTurn(ring: LinkedList<Neighbourhood>, crowd: Crowd, isEligible: boolean): void {
  const { namespace } = crowd;
  if (isEligible) crowd.turn ??= namespace.ring.push(crowd);
  else if (crowd.turn !== undefined) {
    namespace.ring.remove(crowd.turn);
    crowd.turn = undefined;
  }
  if (namespace.ring.size > 0) namespace.turn ??= ring.push(namespace);
  else if (namespace.turn !== undefined) {
    ring.remove(namespace.turn);
    namespace.turn = undefined;
  }
}

/** The crowd whose turn it is, which goes to the end of both rings. */
export function nextTurn(ring: LinkedList<Neighbourhood>): Crowd | undefined {
  const namespace = ring.shift();
  const crowd = namespace?.ring.shift();
  if (namespace === undefined || crowd === undefined) return undefined;
  crowd.turn = namespace.ring.push(crowd);
  namespace.turn = ring.push(namespace);
  return crowd;
}

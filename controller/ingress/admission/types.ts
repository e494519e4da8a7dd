import type { Clock, Random } from '#controller/kube/index.ts';

/** How many there may be of one template, over all replicas, or of all templates. */
export interface CrowdLimits {
  /** Slots, and so domains, at once. */
  readonly maxConcurrent: number;
  /** Requests that wait for a slot; 0: none does. */
  readonly maxQueued: number;
  /** How long one waits, ms. */
  readonly queueTimeoutMs: number;
}

export interface TemplateLimits extends CrowdLimits {
  /** Requests of one client, waiting or holding a slot, at this replica; undefined: as many as there are. */
  readonly maxPerClient?: number | undefined;
}

/** One request that asks for a slot. */
export interface Applicant {
  readonly namespace: string;
  readonly template: string;
  /** Who is counted as one by maxPerClient: an address. */
  readonly client: string;
  /** Of the template, as it is now; they count for all of its requests from here on. */
  readonly limits: TemplateLimits;
}

/** Why a request is refused a slot. */
export type AdmissionRefusal =
  /** All slots of its template are taken, and so are all places to wait. */
  | 'QueueFull'
  /** It waited for as long as there is. */
  | 'QueueTimeout'
  /** Its client has as many requests here as one may. */
  | 'ClientLimit'
  /** This replica holds and queues as much as it may in all. */
  | 'IngressFull';

export interface Refused {
  readonly kind: 'refused';
  readonly reason: AdmissionRefusal;
  readonly retryAfterSeconds: number;
}

export type Admission =
  | { readonly kind: 'admitted'; readonly slot: Slot }
  | Refused
  /** The visitor left before there was a slot; nothing is held for it. */
  | { readonly kind: 'left' };

/** The right to have one domain. */
export interface Slot {
  /** How long the request waited for it, ms. */
  readonly waitedMs: number;
  /** Gives it back, once: when the domain is known to be gone. Later calls change nothing. */
  release(): void;
}

export interface AdmissionOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Of all templates together, over all replicas. */
  readonly total: CrowdLimits;
  /** Replicas that are alive, this one included. Default 1. */
  readonly replicas?: number;
}

/** How many wait and hold slots, at this replica. */
export interface Load {
  readonly waiting: number;
  readonly held: number;
}

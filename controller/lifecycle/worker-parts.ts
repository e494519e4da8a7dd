import type { HostConsoles } from '#controller/console/index.ts';
import type { HostConfig } from '#controller/domain/hostspec.ts';
import { createWorkQueue } from '#controller/kube/index.ts';
import type { WorkQueue } from '#controller/kube/index.ts';
import type { HostIdentity } from './decide.ts';
import type { ControllerDeps } from './deps.ts';
import type { LifecycleMetrics } from './metrics.ts';
import type { Reporter } from './reporter.ts';
import type { WallClock } from './time.ts';
import type { DomainStore, StatusWriter } from './writer.ts';

export interface WorkerParts {
  readonly name: string;
  readonly config: HostConfig;
  readonly cluster: string;
  readonly deps: ControllerDeps;
  readonly store: DomainStore;
  readonly writer: StatusWriter;
  readonly reporter: Reporter;
  readonly metrics: LifecycleMetrics;
  readonly consoles: HostConsoles;
  readonly wall: WallClock;
  /** Accounts or readiness changed: there may be a place for what waits, and a status to write. */
  readonly changed: (host: string) => void;
}

/** Whether a host may be given domains; else why not. */
export type Readiness =
  { readonly ready: true } | { readonly ready: false; readonly reason: string; readonly message: string };

export const KIND_MISSING: Readiness = {
  ready: false,
  reason: 'ResourceKindMissing',
  message: 'the API server does not know the kind EphemeralDomain: nothing is destroyed; install the CRDs',
};

/** What an attempt is given for its binding. */
export interface Assumption {
  readonly address: string | undefined;
  readonly identity: HostIdentity;
}

/** Bindings for each start that may be under way: who is bound takes turns, which the scheduler's queue does not know. */
const BOUND_FOR_EACH_START = 8;
const NOT_STARTING_AT_ONCE = 32;

/** Most domains that the scheduler binds to a host before they are started. */
export const mostBound = ({ maxStarting }: HostConfig): number => maxStarting * BOUND_FOR_EACH_START;

/** Domains that are looked after at once: those that wait for their start keep none of the others waiting. */
export const domainsAtOnce = (config: HostConfig): number => mostBound(config) + NOT_STARTING_AT_ONCE;

/** After the API server was away all that ended meanwhile is tried again: at the usual ten a second that would take minutes. */
const RETRIES = { perSecond: 200, burst: 500 };

/** The queue of one host's domains, by UUID. */
export function createHostQueue(host: string, { clock, kubeMetrics }: ControllerDeps): WorkQueue {
  return createWorkQueue({
    name: `host-${host}`,
    clock,
    backoff: { baseMs: 50, maxMs: 10_000 },
    bucket: RETRIES,
    ...(kubeMetrics === undefined ? {} : { metrics: kubeMetrics }),
  });
}

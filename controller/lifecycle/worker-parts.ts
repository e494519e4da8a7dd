import type { HostConsoles } from '#controller/console/index.ts';
import type { HostConfig } from '#controller/domain/hostspec.ts';
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

/** What an attempt is given for its binding. */
export interface Assumption {
  readonly address: string | undefined;
  readonly identity: HostIdentity;
}

/** Ready or not, nothing can be done for domains whose kind the API server does not know. */
export function unlessServed(readiness: Readiness): Readiness {
  if (!readiness.ready) return readiness;
  const message = 'the API server does not know the kind EphemeralDomain: nothing is destroyed; install the CRDs';
  return { ready: false, reason: 'ResourceKindMissing', message };
}

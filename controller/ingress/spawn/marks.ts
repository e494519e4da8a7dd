import type { EphemeralDomainStatus } from '#controller/api/index.ts';
import { timeOf } from '#controller/lifecycle/time.ts';

/** When what happened, monotonic ms; absent: not yet. */
export interface SpawnMarks {
  readonly begun: number;
  /** The POST was answered. */
  readonly created?: number | undefined;
  /** The watch told of its host. */
  readonly bound?: number | undefined;
  /** Its guest told of itself, or took the connection. */
  readonly ready?: number | undefined;
  readonly reachable?: number | undefined;
  readonly ended?: number | undefined;
  /** As the watch told it last. */
  readonly timeline?: EphemeralDomainStatus['timeline'] | undefined;
}

export interface Phase {
  readonly name: 'api' | 'schedule' | 'create' | 'boot' | 'spawn' | 'ready';
  readonly ms: number;
}

/**
 * Where the time from start() until the guest was reachable went. What the controller did in between is told apart where
 * its times are known by then, by differences on its own clock alone; else it is all `spawn`. The sum is always the whole.
 */
export function phasesOf({ begun, created, ready, reachable, timeline }: SpawnMarks): readonly Phase[] {
  if (created === undefined) return [];
  const api: Phase = { name: 'api', ms: created - begun };
  if (ready === undefined) return [api];
  // A guest may speak before the POST is answered.
  const whole = Math.max(ready - created, 0);
  const last: readonly Phase[] = reachable === undefined ? [] : [{ name: 'ready', ms: reachable - ready }];
  const first = Math.min(api.ms, ready - begun);
  return [{ ...api, ms: first }, ...between(whole, timeline), ...last];
}

function between(whole: number, timeline: SpawnMarks['timeline']): readonly Phase[] {
  const [seen, requested, started] = [timeline?.created, timeline?.domainRequested, timeline?.domainStarted].map(
    timeOf,
  );
  if (seen === undefined || requested === undefined || started === undefined) return [{ name: 'spawn', ms: whole }];
  const schedule = Math.min(Math.max(requested - seen, 0), whole);
  const create = Math.min(Math.max(started - requested, 0), whole - schedule);
  return [
    { name: 'schedule', ms: schedule },
    { name: 'create', ms: create },
    { name: 'boot', ms: whole - schedule - create },
  ];
}

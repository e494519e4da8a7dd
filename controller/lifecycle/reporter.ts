import { EPHEMERAL_DOMAINS, EndReason, Phase, ProgressReason } from '#controller/api/index.ts';
import type { EphemeralDomain } from '#controller/api/index.ts';
import type { EventRecorder, KubeLogger } from '#controller/kube/index.ts';
import type { Binding } from './attempt.ts';
import type { LifecycleMetrics } from './metrics.ts';
import { timeOf } from './time.ts';

/** Tells people what happened: one log line a transition, one Event on the plain path, and metrics. */
export interface Reporter {
  bound(resource: EphemeralDomain): void;
  /** `before`: the binding that the change ended or went on from; absent where it was bound to no host. */
  changed(resource: EphemeralDomain, before?: Binding): void;
  waiting(resource: EphemeralDomain): void;
  failedUnbound(resource: EphemeralDomain): void;
}

/** What somebody asked for is no warning. */
const WANTED: ReadonlySet<string> = new Set([ProgressReason.Suspended, ProgressReason.Resumed]);

export function createReporter(logger: KubeLogger, events: EventRecorder, metrics: LifecycleMetrics): Reporter {
  const log = (message: string, resource: EphemeralDomain, before?: Binding) => {
    const { namespace, name, uid } = resource.metadata;
    const { phase, reason, host, attempt } = resource.status ?? {};
    const where = { host: before?.host ?? host, attempt: before?.attempt ?? attempt };
    logger.info(message, { namespace, name, uid, ...where, phase, reason, detail: resource.status?.message });
  };
  const tell = (resource: EphemeralDomain, type: 'Normal' | 'Warning', reason: string) =>
    events.event(EPHEMERAL_DOMAINS, resource, type, reason, resource.status?.message ?? '');
  const finished = (resource: EphemeralDomain, before?: Binding) => {
    const { phase, reason = '' } = resource.status ?? {};
    metrics.ended(phase ?? '', reason);
    log(phase === Phase.Succeeded ? 'Succeeded' : 'Failed', resource, before);
    if (phase !== Phase.Succeeded) tell(resource, 'Warning', reason);
    // Of a request's domain its answer tells, and the ingress' log: Events would outlive it, by an hour, one for each request.
    else if (resource.spec.request === undefined) tell(resource, 'Normal', reason);
  };
  return {
    bound: (resource) => {
      log('Bound', resource);
      const { created, scheduled } = resource.status?.timeline ?? {};
      metrics.scheduled(span(created, scheduled));
    },
    changed: (resource, before) => {
      const { phase, reason = EndReason.Unknown } = resource.status ?? {};
      if (phase === Phase.Running) log(runningMessage(reason, before), resource, before);
      else if (phase === Phase.Pending) {
        log(reason === ProgressReason.BackOff ? 'Attempt failed' : 'Unbound', resource, before);
        tell(resource, WANTED.has(reason) ? 'Normal' : 'Warning', reason);
      } else finished(resource, before);
    },
    waiting: (resource) => {
      log('Waiting', resource);
      tell(resource, 'Warning', resource.status?.reason ?? ProgressReason.Unschedulable);
    },
    failedUnbound: (resource) => finished(resource),
  };
}

/** What a write to a resource that runs was for. */
function runningMessage(reason: string, before: Binding | undefined): string {
  if (reason === ProgressReason.Suspending || reason === EndReason.DeadlineExceeded) return 'Stopping';
  return before?.started === true ? 'Heard of its guest' : 'Running';
}

/** ms between two stored times; undefined where one is not known. */
function span(from: string | undefined, to: string | undefined): number | undefined {
  const [start, end] = [timeOf(from), timeOf(to)];
  return start === undefined || end === undefined ? undefined : Math.max(end - start, 0);
}

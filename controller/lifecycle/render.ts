import {
  DomainCondition,
  EndReason,
  Phase,
  ProgressReason,
  removeCondition,
  runPolicyOf,
} from '#controller/api/index.ts';
import type { EphemeralDomain, EphemeralDomainStatus } from '#controller/api/index.ts';
import type { MergePatch } from '#controller/kube/index.ts';
import type { ExitReport } from '#controller/notify/index.ts';
import { bindingOf, nextAttempt, pauseAfter } from './attempt.ts';
import type { Change } from './next.ts';
import { readinessOf } from './readiness.ts';
import { clip, conditionsOf, isReady, readyReason, ready, set, started, stopped } from './status-conditions.ts';
import type { Conditions } from './status-conditions.ts';
import { microTime, secondTime, spanText, timeOf } from './time.ts';
import type { Times } from './time.ts';
import type { End } from './trace.ts';

/** A status patch that stands only on the version of the resource that was decided on. */
export type StatusPatch = MergePatch<EphemeralDomain>;

/** Where a resource is bound, all decided by the scheduler. */
export interface NewBinding {
  readonly host: string;
  readonly address: string | undefined;
  readonly name: string;
  readonly uuid: string;
  readonly hostBoot: string;
  readonly hostDaemon: string;
  /** Wall clock ms at which the scheduler first saw the resource. */
  readonly seen: number;
}

/** The status patch that binds a resource to a host: the first write of ours in its life. */
export function bindPatch(resource: EphemeralDomain, binding: NewBinding, now: number): StatusPatch {
  const { host, address, name, uuid, hostBoot, hostDaemon } = binding;
  const at = microTime(now);
  const cleared = [DomainCondition.Started, DomainCondition.Ready].reduce<Conditions>(
    removeCondition,
    conditionsOf(resource),
  );
  const message = `bound to ${host}${address === undefined ? '' : `, address ${address}`}`;
  return patch(resource, {
    phase: Phase.Scheduled,
    host,
    address: address ?? null,
    attempt: nextAttempt(resource),
    domain: { name, uuid, id: null, hostBoot, hostDaemon },
    conditions: set(resource, cleared, DomainCondition.Scheduled, 'True', ProgressReason.Bound, message, now),
    reason: ProgressReason.Bound,
    message,
    startTime: resource.status?.startTime ?? secondTime(now),
    timeline: {
      created: resource.status?.timeline?.created ?? microTime(binding.seen),
      scheduled: at,
      domainRequested: null,
      domainStarted: null,
      ready: null,
      stopped: null,
    },
    spawnTime: null,
    exitCode: null,
    terminationMessage: null,
  });
}

/** The status patch that stores what became of a bound attempt, and with it what its guest said of how its work ended. */
export function changePatch(
  resource: EphemeralDomain,
  change: Change,
  times: Times,
  now: number,
  exit?: ExitReport,
): StatusPatch {
  const stored = patchOf(resource, change, times, now);
  if (exit === undefined || change.kind === 'rebind') return stored;
  return { ...stored, status: { ...stored.status, exitCode: exit.code, terminationMessage: exit.message } };
}

function patchOf(resource: EphemeralDomain, change: Change, times: Times, now: number): StatusPatch {
  switch (change.kind) {
    case 'running':
      return runningPatch(resource, change.id, times, now);
    case 'heard':
      return heardPatch(resource, times, now);
    case 'succeeded': {
      const message = wellEnded(change.end);
      return finalPatch(resource, { failed: false, reason: EndReason.PowerOff, message }, times, now);
    }
    case 'failed':
      return failedPatch(resource, change, times, now);
    case 'rebind':
      return unbindPatch(resource, {
        reason: 'NameHeld',
        message: `its name is another domain's on ${hostOf(resource)} (${change.heldBy}); it did not run and gets another address`,
        attempt: (resource.status?.attempt ?? 1) - 1,
        now,
      });
  }
}

function wellEnded(end: End): string {
  if (end === 'reboot') return 'the domain rebooted, which ends it';
  if (end === 'forgotten')
    return 'its guest reported code 0, and the domain is gone; its host cannot tell how it ended';
  return 'the domain shut down by itself';
}

/** The status patch for a resource that found no place, or waits between attempts and has run out of time. */
export function waitingPatch(resource: EphemeralDomain, reason: string, message: string, now: number): StatusPatch {
  return patch(resource, {
    phase: Phase.Pending,
    reason,
    message: clip(message),
    conditions: set(resource, conditionsOf(resource), DomainCondition.Scheduled, 'False', reason, message, now),
  });
}

/** Failed for good while it is bound to no host. */
export function unboundFailurePatch(
  resource: EphemeralDomain,
  reason: string,
  message: string,
  now: number,
): StatusPatch {
  return finalPatch(resource, { failed: true, reason, message }, {}, now);
}

function runningPatch(resource: EphemeralDomain, id: number, times: Times, now: number): StatusPatch {
  const message = `runs on ${hostOf(resource)} as ${resource.status?.domain?.name ?? ''}`;
  return patch(resource, {
    phase: Phase.Running,
    // Below 0: it had ended already when its start was answered.
    ...(id < 0 ? {} : { domain: { id } }),
    conditions: started(resource, conditionsOf(resource), message, times, now),
    reason: isReady(resource, times) ? readyReason(resource) : ProgressReason.DomainStarted,
    message,
    ...startTimes(resource, times),
  });
}

/** What a guest said, or a probe found, after Running was stored: one write more, for those alone who use it. */
function heardPatch(resource: EphemeralDomain, times: Times, now: number): StatusPatch {
  if (!isReady(resource, times)) return patch(resource, {});
  return patch(resource, {
    conditions: ready(resource, conditionsOf(resource), times, now),
    reason: readyReason(resource),
    ...startTimes(resource, times),
  });
}

interface Outcome {
  readonly failed: boolean;
  readonly reason: string;
  readonly message: string;
}

function finalPatch(resource: EphemeralDomain, outcome: Outcome, times: Times, now: number): StatusPatch {
  const ran = times.started !== undefined || !outcome.failed;
  const begun = ran
    ? started(resource, conditionsOf(resource), 'the domain was started', times, now)
    : conditionsOf(resource);
  const ended = stopped(resource, begun, now);
  const type = outcome.failed ? DomainCondition.Failed : DomainCondition.Complete;
  const message = clip(outcome.message);
  return patch(resource, {
    phase: outcome.failed ? Phase.Failed : Phase.Succeeded,
    conditions: set(resource, ended, type, 'True', outcome.reason, message, now),
    reason: outcome.reason,
    message,
    completionTime: secondTime(now),
    ...startTimes(resource, times),
  });
}

function failedPatch(
  resource: EphemeralDomain,
  change: Extract<Change, { kind: 'failed' }>,
  times: Times,
  now: number,
): StatusPatch {
  const { backoffLimit } = runPolicyOf(resource.spec);
  const attempt = resource.status?.attempt ?? 1;
  const told = `${change.message} (host ${hostOf(resource)})`;
  if (change.final || backoffLimit === 0) {
    return finalPatch(resource, { failed: true, reason: change.reason, message: told }, times, now);
  }
  const failure = `attempt ${attempt} of ${backoffLimit + 1} failed: ${change.reason}: ${told}`;
  if (attempt > backoffLimit) {
    return finalPatch(resource, { failed: true, reason: EndReason.BackoffLimitExceeded, message: failure }, times, now);
  }
  const pause = `the next one follows in ${pauseAfter(attempt) / 1000} s`;
  return unbindPatch(resource, { reason: ProgressReason.BackOff, message: `${failure}; ${pause}`, attempt, now });
}

interface Unbinding {
  readonly reason: string;
  readonly message: string;
  /** The attempt that counts as the last one. */
  readonly attempt: number;
  readonly now: number;
}

function unbindPatch(resource: EphemeralDomain, { reason, message, attempt, now }: Unbinding): StatusPatch {
  const cleared = [DomainCondition.Started, DomainCondition.Ready].reduce<Conditions>(
    removeCondition,
    conditionsOf(resource),
  );
  return patch(resource, {
    phase: Phase.Pending,
    host: null,
    address: null,
    domain: null,
    attempt: attempt === 0 ? null : attempt,
    conditions: set(resource, cleared, DomainCondition.Scheduled, 'False', reason, message, now),
    reason,
    message: clip(message),
  });
}

type StatusFields = MergePatch<EphemeralDomainStatus>;

function patch(resource: EphemeralDomain, status: StatusFields): StatusPatch {
  const { resourceVersion, uid, generation } = resource.metadata;
  return {
    metadata: { resourceVersion, uid },
    status: { ...status, ...(generation === undefined ? {} : { observedGeneration: generation }) },
  };
}

function hostOf(resource: EphemeralDomain): string {
  return bindingOf(resource)?.host ?? resource.status?.host ?? '?';
}

/** What this process knows of the times; what it does not know stays as it is stored. */
function startTimes(resource: EphemeralDomain, times: Times): Pick<StatusFields, 'timeline' | 'spawnTime'> {
  const known = resource.status?.timeline;
  const created = timeOf(known?.created);
  const { requested, started: begun, stopped: over } = times;
  const isNew = begun !== undefined && known?.domainStarted === undefined;
  const usable = readinessOf(resource) === undefined ? begun : times.ready;
  const isReadyNew = usable !== undefined && known?.ready === undefined;
  return {
    timeline: {
      ...(requested === undefined || known?.domainRequested !== undefined
        ? {}
        : { domainRequested: microTime(requested) }),
      ...(isNew ? { domainStarted: microTime(begun) } : {}),
      ...(isReadyNew ? { ready: microTime(usable) } : {}),
      ...(over === undefined ? {} : { stopped: microTime(over) }),
    },
    ...(isReadyNew && created !== undefined ? { spawnTime: spanText(usable - created) } : {}),
  };
}

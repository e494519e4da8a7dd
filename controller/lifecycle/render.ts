import {
  DomainCondition,
  EndReason,
  MAX_UNKNOWN_ATTEMPTS,
  Phase,
  ProgressReason,
  policyOf,
} from '#controller/api/index.ts';
import type { EphemeralDomain } from '#controller/api/index.ts';
import type { ExitReport } from '#controller/notify/index.ts';
import { bindingOf, countedAttempts, nextAttempt, pauseAfter } from './attempt.ts';
import { hasNeverRun } from './next.ts';
import type { Change } from './next.ts';
import { clip, conditionsOf, hostOf, isReady, patch, ready, readyReason, set, started } from './status-parts.ts';
import { startTimes, stopped, withoutDomain, withoutSuspending } from './status-parts.ts';
import type { StatusPatch } from './status-parts.ts';
import { microTime, secondTime, timeOf } from './time.ts';
import type { Times } from './time.ts';
import type { End } from './trace.ts';
import { stoppingPatch, suspendedPatch, unbindPatch } from './unbind.ts';

export type { StatusPatch } from './status-parts.ts';

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

/**
 * The status patch that binds a resource to a host: the first write of ours in its life. What a template came to is stored
 * with it, so that nothing that becomes of the template later changes what runs.
 */
export function bindPatch(resource: EphemeralDomain, binding: NewBinding, now: number): StatusPatch {
  const { host, address, name, uuid, hostBoot, hostDaemon } = binding;
  const at = microTime(now);
  const cleared = withoutDomain(conditionsOf(resource));
  const resolved = resource.status?.resolved;
  const message = `bound to ${host}${address === undefined ? '' : `, address ${address}`}`;
  const received = timeOf(resource.spec.request?.receivedTime);
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
    ...(resolved === undefined ? {} : { resolved }),
    timeline: {
      ...(received === undefined ? {} : { requested: microTime(received) }),
      created: resource.status?.timeline?.created ?? microTime(binding.seen),
      scheduled: at,
      domainRequested: null,
      domainStarted: null,
      ready: null,
      responded: null,
      stopped: null,
    },
    spawnTime: null,
    consoleTail: null,
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
  const stored = withUnknown(resource, change, patchOf(resource, change, times, now));
  if (exit === undefined || hasNeverRun(change) || change.kind === 'suspended') return stored;
  return { ...stored, status: { ...stored.status, exitCode: exit.code, terminationMessage: exit.message } };
}

/** What its host may still hold of the attempt is kept for later processes: its address stays held back. */
function withUnknown(resource: EphemeralDomain, change: Change, stored: StatusPatch): StatusPatch {
  const binding = bindingOf(resource);
  if (change.kind !== 'failed' || change.reason !== EndReason.HostStateUnknown || binding === undefined) return stored;
  const { attempt, host, hostBoot, address } = binding;
  const known = resource.status?.unknownAttempts ?? [];
  const unknownAttempts = [...known, { attempt, host, hostBoot, ...(address === undefined ? {} : { address }) }];
  return { ...stored, status: { ...stored.status, unknownAttempts: unknownAttempts.slice(-MAX_UNKNOWN_ATTEMPTS) } };
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
    case 'unbind': {
      const { reason, message } = change;
      return unbindPatch(resource, { reason, message, attempt: (resource.status?.attempt ?? 1) - 1, now });
    }
    case 'stopping':
      return stoppingPatch(resource, change, times, now);
    case 'suspended':
      return suspendedPatch(resource, change, times, now);
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

/**
 * Failed for good while it is bound to no host. What its template came to, where it came to anything, is stored with it: it
 * may be the template's word that it failed by, or is deleted by.
 */
export function unboundFailurePatch(
  resource: EphemeralDomain,
  reason: string,
  message: string,
  now: number,
): StatusPatch {
  const failed = finalPatch(resource, { failed: true, reason, message }, {}, now);
  const resolved = resource.status?.resolved;
  return resolved === undefined ? failed : { ...failed, status: { ...failed.status, resolved } };
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
  const ended = stopped(resource, withoutSuspending(begun), now);
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
  const { backoffLimit } = policyOf(resource);
  const attempt = resource.status?.attempt ?? 1;
  const counted = countedAttempts(resource);
  const told = `${change.message} (host ${hostOf(resource)})`;
  if (change.final || backoffLimit === 0) {
    return finalPatch(resource, { failed: true, reason: change.reason, message: told }, times, now);
  }
  const failure = `attempt ${counted} of ${backoffLimit + 1} failed: ${change.reason}: ${told}`;
  if (counted > backoffLimit) {
    return finalPatch(resource, { failed: true, reason: EndReason.BackoffLimitExceeded, message: failure }, times, now);
  }
  const pause = `the next one follows in ${pauseAfter(counted) / 1000} s`;
  return unbindPatch(resource, { reason: ProgressReason.BackOff, message: `${failure}; ${pause}`, attempt, now });
}

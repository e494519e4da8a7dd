import {
  DomainCondition,
  EndReason,
  MAX_MESSAGE_LENGTH,
  Phase,
  ProgressReason,
  removeCondition,
  runPolicyOf,
  setCondition,
} from '#controller/api/index.ts';
import type { Condition, EphemeralDomain, EphemeralDomainStatus, NewCondition } from '#controller/api/index.ts';
import type { MergePatch } from '#controller/kube/index.ts';
import { bindingOf, nextAttempt, pauseAfter } from './attempt.ts';
import type { Change } from './next.ts';
import { microTime, secondTime, spanText, timeOf } from './time.ts';

/** A status patch that stands only on the version of the resource that was decided on. */
export type StatusPatch = MergePatch<EphemeralDomain>;

/** When what happened, as this process saw it: wall clock ms. */
export interface Times {
  readonly requested?: number | undefined;
  readonly started?: number | undefined;
  readonly stopped?: number | undefined;
}

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

type Conditions = readonly Condition[] | undefined;

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
    consoleTail: null,
  });
}

/** The status patch that stores what became of a bound attempt. */
export function changePatch(resource: EphemeralDomain, change: Change, times: Times, now: number): StatusPatch {
  switch (change.kind) {
    case 'running':
      return runningPatch(resource, change.id, times, now);
    case 'succeeded': {
      const message = change.end === 'reboot' ? 'the domain rebooted, which ends it' : 'the domain shut down by itself';
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
    conditions: started(resource, conditionsOf(resource), message, now),
    reason: ProgressReason.DomainStarted,
    message,
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
  const begun = ran ? started(resource, conditionsOf(resource), 'the domain was started', now) : conditionsOf(resource);
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

function conditionsOf(resource: EphemeralDomain): Conditions {
  return resource.status?.conditions;
}

function hostOf(resource: EphemeralDomain): string {
  return bindingOf(resource)?.host ?? resource.status?.host ?? '?';
}

function set(
  resource: EphemeralDomain,
  conditions: Conditions,
  type: string,
  status: NewCondition['status'],
  reason: string,
  message: string,
  now: number,
): readonly Condition[] {
  const { generation } = resource.metadata;
  const condition = { type, status, reason, message: clip(message) };
  return setCondition(
    conditions,
    generation === undefined ? condition : { ...condition, observedGeneration: generation },
    secondTime(now),
  );
}

/** Started and, with it, Ready; both stay as they are where they are stored already. */
function started(
  resource: EphemeralDomain,
  conditions: Conditions,
  message: string,
  now: number,
): readonly Condition[] {
  if (bindingOf(resource)?.started === true) return conditions ?? [];
  const begun = set(resource, conditions, DomainCondition.Started, 'True', ProgressReason.DomainStarted, message, now);
  return set(resource, begun, DomainCondition.Ready, 'True', ProgressReason.DomainStarted, message, now);
}

/** Ready ends with the domain; where it never was Ready nothing is said. */
function stopped(resource: EphemeralDomain, conditions: Conditions, now: number): Conditions {
  if (conditions?.some((condition) => condition.type === DomainCondition.Ready) !== true) return conditions;
  const reason = ProgressReason.DomainStopped;
  return set(resource, conditions, DomainCondition.Ready, 'False', reason, 'the domain has ended', now);
}

/** What this process knows of the times; what it does not know stays as it is stored. */
function startTimes(resource: EphemeralDomain, times: Times): Pick<StatusFields, 'timeline' | 'spawnTime'> {
  const known = resource.status?.timeline;
  const created = timeOf(known?.created);
  const { requested, started: begun, stopped: over } = times;
  const isNew = begun !== undefined && known?.domainStarted === undefined;
  return {
    timeline: {
      ...(requested === undefined || known?.domainRequested !== undefined
        ? {}
        : { domainRequested: microTime(requested) }),
      ...(isNew ? { domainStarted: microTime(begun), ready: microTime(begun) } : {}),
      ...(over === undefined ? {} : { stopped: microTime(over) }),
    },
    ...(isNew && created !== undefined ? { spawnTime: spanText(begun - created) } : {}),
  };
}

function clip(message: string): string {
  return message.length <= MAX_MESSAGE_LENGTH ? message : `${message.slice(0, MAX_MESSAGE_LENGTH - 1)}…`;
}

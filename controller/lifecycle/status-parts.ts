import {
  DomainCondition,
  MAX_MESSAGE_LENGTH,
  ProgressReason,
  findCondition,
  removeCondition,
  setCondition,
} from '#controller/api/index.ts';
import type { Condition, EphemeralDomain, EphemeralDomainStatus, NewCondition } from '#controller/api/index.ts';
import type { MergePatch } from '#controller/kube/index.ts';
import { bindingOf } from './attempt.ts';
import { describeReadiness, isReadyByStart } from './readiness.ts';
import { microTime, secondTime, spanText, timeOf } from './time.ts';
import type { Times } from './time.ts';

/** What status patches are put together from. */

/** A status patch that stands only on the version of the resource that was decided on. */
export type StatusPatch = MergePatch<EphemeralDomain>;

export type Conditions = readonly Condition[] | undefined;

export type StatusFields = MergePatch<EphemeralDomainStatus>;

/** These fields of status, and the generation that they speak of. */
export function patch(resource: EphemeralDomain, status: StatusFields): StatusPatch {
  const { resourceVersion, uid, generation } = resource.metadata;
  return {
    metadata: { resourceVersion, uid },
    status: { ...status, ...(generation === undefined ? {} : { observedGeneration: generation }) },
  };
}

export function conditionsOf(resource: EphemeralDomain): Conditions {
  return resource.status?.conditions;
}

/** Name of the host that it is bound to, for a message. */
export function hostOf(resource: EphemeralDomain): string {
  return bindingOf(resource)?.host ?? resource.status?.host ?? '?';
}

/** One condition set, for this generation of the resource. */
export function set(
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

/** Started and, with it, whether it is Ready; both stay as they are where they are stored already. */
export function started(
  resource: EphemeralDomain,
  conditions: Conditions,
  message: string,
  times: Times,
  now: number,
): readonly Condition[] {
  const { started: isStored = false, ready: isReadyStored } = bindingOf(resource) ?? {};
  // A creator's word on Ready waits for the next write, whatever that is for.
  if (isStored)
    return isReadyStored !== true && isReady(resource, times)
      ? ready(resource, conditions, times, now)
      : (conditions ?? []);
  const begun = set(resource, conditions, DomainCondition.Started, 'True', ProgressReason.DomainStarted, message, now);
  return ready(resource, begun, times, now);
}

/** Whether it can be used, as far as is known. */
export function ready(
  resource: EphemeralDomain,
  conditions: Conditions,
  times: Times,
  now: number,
): readonly Condition[] {
  const awaited = describeReadiness(resource);
  if (!isReady(resource, times)) {
    const message = `waits until ${awaited ?? 'it is started'}`;
    return set(resource, conditions, DomainCondition.Ready, 'False', ProgressReason.NotReadyYet, message, now);
  }
  const message = awaited ?? 'it was started, and spec.domain.readiness asks for no more';
  return set(resource, conditions, DomainCondition.Ready, 'True', readyReason(resource), message, now);
}

/** Whether all that was asked for of readiness is there. */
export function isReady(resource: EphemeralDomain, times: Times): boolean {
  return isReadyByStart(resource) || times.ready !== undefined;
}

/** Why it is Ready, in a word. */
export function readyReason(resource: EphemeralDomain): string {
  return isReadyByStart(resource) ? ProgressReason.DomainStarted : ProgressReason.DomainReady;
}

/** Ready ends with the domain; where it never was Ready nothing is said. */
export function stopped(resource: EphemeralDomain, conditions: Conditions, now: number): Conditions {
  if (conditions?.some((condition) => condition.type === DomainCondition.Ready) !== true) return conditions;
  const reason = ProgressReason.DomainStopped;
  return set(resource, conditions, DomainCondition.Ready, 'False', reason, 'the domain has ended', now);
}

/** What this process knows of the times; what it does not know stays as it is stored. */
export function startTimes(resource: EphemeralDomain, times: Times): Pick<StatusFields, 'timeline' | 'spawnTime'> {
  const known = resource.status?.timeline;
  const { requested, started: begun, responded, stopped: over } = times;
  const isNew = begun !== undefined && known?.domainStarted === undefined;
  const usable = isReadyByStart(resource) ? begun : times.ready;
  const isReadyNew = usable !== undefined && known?.ready === undefined;
  const isAnswerNew = responded !== undefined && known?.responded === undefined;
  const spawned = spawnSpan(resource, isReadyNew ? usable : undefined, isAnswerNew ? responded : undefined);
  return {
    timeline: {
      ...(requested === undefined || known?.domainRequested !== undefined
        ? {}
        : { domainRequested: microTime(requested) }),
      ...(isNew ? { domainStarted: microTime(begun) } : {}),
      ...(isReadyNew ? { ready: microTime(usable) } : {}),
      ...(isAnswerNew ? { responded: microTime(responded) } : {}),
      ...(over === undefined ? {} : { stopped: microTime(over) }),
    },
    ...(spawned === undefined ? {} : { spawnTime: spanText(spawned) }),
  };
}

/** For a request, what its visitor waited for: from its coming to the beginning of its answer. Else until it was ready. */
function spawnSpan(
  { spec, status }: EphemeralDomain,
  ready: number | undefined,
  responded: number | undefined,
): number | undefined {
  const [begun, done] =
    spec.request === undefined ? [status?.timeline?.created, ready] : [spec.request.receivedTime, responded];
  const from = timeOf(begun);
  return from === undefined || done === undefined ? undefined : done - from;
}

/** As much of a message as a status may hold. */
export function clip(message: string): string {
  return message.length <= MAX_MESSAGE_LENGTH ? message : `${message.slice(0, MAX_MESSAGE_LENGTH - 1)}…`;
}

/** Nothing of an earlier attempt's domain any more. */
export function withoutDomain(conditions: Conditions): Conditions {
  return [DomainCondition.Started, DomainCondition.Ready].reduce<Conditions>(removeCondition, conditions);
}

/** A suspension that was decided and did not come about, since the attempt failed first, is told of no longer. */
export function withoutSuspending(conditions: Conditions): Conditions {
  const isUndecided = findCondition(conditions, DomainCondition.Suspended)?.status === 'Unknown';
  return isUndecided ? removeCondition(conditions, DomainCondition.Suspended) : conditions;
}

import { DomainCondition, MAX_MESSAGE_LENGTH, ProgressReason, setCondition } from '#controller/api/index.ts';
import type { Condition, EphemeralDomain, NewCondition } from '#controller/api/index.ts';
import { bindingOf } from './attempt.ts';
import { describeReadiness, readinessOf } from './readiness.ts';
import { secondTime } from './time.ts';
import type { Times } from './time.ts';

/** A status' conditions, or none yet. */
export type Conditions = readonly Condition[] | undefined;

/** What is stored. */
export function conditionsOf(resource: EphemeralDomain): Conditions {
  return resource.status?.conditions;
}

/** A message that the API server takes. */
export function clip(message: string): string {
  return message.length <= MAX_MESSAGE_LENGTH ? message : `${message.slice(0, MAX_MESSAGE_LENGTH - 1)}…`;
}

/** The conditions with one of them set, for this generation of the resource. */
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
  if (bindingOf(resource)?.started === true) return conditions ?? [];
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
  return readinessOf(resource) === undefined || times.ready !== undefined;
}

/** Why it is Ready, in a word. */
export function readyReason(resource: EphemeralDomain): string {
  return readinessOf(resource) === undefined ? ProgressReason.DomainStarted : ProgressReason.DomainReady;
}

/** Ready ends with the domain; where it never was Ready nothing is said. */
export function stopped(resource: EphemeralDomain, conditions: Conditions, now: number): Conditions {
  if (conditions?.some((condition) => condition.type === DomainCondition.Ready) !== true) return conditions;
  const reason = ProgressReason.DomainStopped;
  return set(resource, conditions, DomainCondition.Ready, 'False', reason, 'the domain has ended', now);
}

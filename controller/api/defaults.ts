/**
 * What holds where a run policy does not say. It has no defaults in the CRD, so that "not said" can be told from a choice
 * (a template's word stands only for what the resource did not say).
 */
import type { EphemeralDomain, EphemeralDomainSpec, Toleration } from './ephemeraldomain.gen.ts';

/** How often a failed attempt is followed by another. */
export const DEFAULT_BACKOFF_LIMIT = 0;

/** Seconds that a domain has to end by itself once it was asked to shut down: a Pod's. */
export const DEFAULT_TERMINATION_GRACE_SECONDS = 30;

/** Where an EphemeralDomain stands in the queue for a place. */
export const DEFAULT_PRIORITY = 0;

/** The run policy with defaults filled in; undefined means none. */
export interface RunPolicy {
  readonly backoffLimit: number;
  /** Seconds from startTime over all attempts. */
  readonly activeDeadlineSeconds: number | undefined;
  /** Seconds from completionTime until deletion; 0 deletes at once. */
  readonly ttlSecondsAfterFinished: number | undefined;
  /** Seconds from creation, or the last resume, until a host must have been asked to start it. */
  readonly startDeadlineSeconds: number | undefined;
  /** 0: destroyed at once. */
  readonly terminationGracePeriodSeconds: number;
  /** The higher goes first. */
  readonly priority: number;
  readonly tolerations: readonly Toleration[];
  readonly suspend: boolean;
}

/** The run policy that a spec comes to. */
export const runPolicyOf = (spec: EphemeralDomainSpec): RunPolicy => ({
  backoffLimit: spec.backoffLimit ?? DEFAULT_BACKOFF_LIMIT,
  activeDeadlineSeconds: spec.activeDeadlineSeconds,
  ttlSecondsAfterFinished: spec.ttlSecondsAfterFinished,
  startDeadlineSeconds: spec.startDeadlineSeconds,
  terminationGracePeriodSeconds: spec.terminationGracePeriodSeconds ?? DEFAULT_TERMINATION_GRACE_SECONDS,
  priority: spec.priority ?? DEFAULT_PRIORITY,
  tolerations: spec.tolerations ?? [],
  suspend: spec.suspend ?? false,
});

/** The run policy that a resource comes to. */
export const policyOf = (resource: EphemeralDomain): RunPolicy => runPolicyOf(resource.spec);

/**
 * What holds where a run policy does not say. It has no defaults in the CRD, so that "not said" can be told from a choice
 * (a template's word stands only for what the resource did not say).
 */
import type { EphemeralDomainSpec } from './ephemeraldomain.gen.ts';

/** How often a failed attempt is followed by another. */
export const DEFAULT_BACKOFF_LIMIT = 0;

/** The run policy with defaults filled in; undefined means none. */
export interface RunPolicy {
  readonly backoffLimit: number;
  /** Seconds from startTime over all attempts. */
  readonly activeDeadlineSeconds: number | undefined;
  /** Seconds from completionTime until deletion; 0 deletes at once. */
  readonly ttlSecondsAfterFinished: number | undefined;
}

/** The run policy that a spec comes to. */
export const runPolicyOf = (spec: EphemeralDomainSpec): RunPolicy => ({
  backoffLimit: spec.backoffLimit ?? DEFAULT_BACKOFF_LIMIT,
  activeDeadlineSeconds: spec.activeDeadlineSeconds,
  ttlSecondsAfterFinished: spec.ttlSecondsAfterFinished,
});

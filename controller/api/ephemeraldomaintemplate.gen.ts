// Made from crds/ephemeraldomaintemplates.yaml by `node hack/generate/main.ts`: change that file, then run it again.
import type { ObjectMeta } from '../kube/types.ts';
import type { EffectiveSpec } from './effective.ts';

/**
 * An EphemeralDomainTemplate is a pattern that EphemeralDomains are made from, as a PodTemplate is for Pods: an
 * EphemeralDomain of the same namespace names it as spec.templateRef.name, and may give values for its
 * parameters.
 */
export interface EphemeralDomainTemplate {
  /**
   * Version of this schema, hatchery.dev/v1alpha1.
   */
  readonly apiVersion?: string;
  /**
   * Always EphemeralDomainTemplate.
   */
  readonly kind?: string;
  readonly metadata: ObjectMeta;
  readonly spec: EphemeralDomainTemplateSpec;
}
/**
 * The pattern. All of it can be changed; domains that were made from it stay as they are.
 */
export interface EphemeralDomainTemplateSpec {
  /**
   * What parameters an EphemeralDomain may have, as a JSON Schema (draft-07) of an object that maps each name to
   * its value: a string, or a number or boolean written as one. A default holds where neither the EphemeralDomain
   * nor template.spec.parameters says a value. An EphemeralDomain whose parameters do not suit is Failed with
   * reason InvalidParameters; where this is no schema, or uses $ref, $id, pattern or patternProperties, with
   * InvalidTemplate. At most 16 KiB. Example: {required: [SIZE], properties: {SIZE: {enum: [small, large]}}}.
   */
  readonly parametersSchema?: Readonly<Record<string, unknown>>;
  readonly template: EphemeralDomainPattern;
}
/**
 * What an EphemeralDomain made from this template looks like.
 */
export interface EphemeralDomainPattern {
  readonly metadata?: EphemeralDomainPatternMetadata;
  /**
   * The EphemeralDomain's spec, but for templateRef, suspend and request: what its EphemeralDomains do not say
   * themselves.
   */
  readonly spec: Omit<EffectiveSpec, 'suspend' | 'request'>;
}
/**
 * Labels and annotations that each EphemeralDomain made from this template gets.
 */
export interface EphemeralDomainPatternMetadata {
  /**
   * Labels, as on any object. Example: {app: shop}.
   */
  readonly labels?: Readonly<Record<string, string>>;
  /**
   * Annotations, as on any object.
   */
  readonly annotations?: Readonly<Record<string, string>>;
}

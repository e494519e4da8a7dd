// Made from crds/ephemeraldomaintemplates.yaml by `node hack/generate/main.ts`: change that file, then run it again.
import type { ObjectMeta } from '../kube/types.ts';
import type { EphemeralDomainSpec } from './ephemeraldomain.gen.ts';

/**
 * An EphemeralDomainTemplate is a pattern that EphemeralDomains are made from, as a PodTemplate is for Pods.
 * Nothing makes domains from it yet.
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
  readonly template: EphemeralDomainPattern;
}
/**
 * What an EphemeralDomain made from this template looks like.
 */
export interface EphemeralDomainPattern {
  readonly metadata?: EphemeralDomainPatternMetadata;
  /**
   * The EphemeralDomain's spec, without suspend.
   */
  readonly spec: Omit<EphemeralDomainSpec, 'suspend'>;
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

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
  readonly http?: HttpSpec;
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
 * How the ingress serves requests whose Ingress names this template as backend: each request gets a domain of
 * its own. All of it can be left out, and changed at any time; requests under way keep what held when they came.
 */
export interface HttpSpec {
  /**
   * Port of the guest that requests are passed on to, over plain HTTP. 8000 when not said.
   */
  readonly port?: number;
  /**
   * Seconds from a request's place among maxConcurrent until its guest must be reachable, a second try included;
   * over, it is answered 504 and its domain is deleted. 10 when not said, or requestTimeoutSeconds where that is
   * less.
   */
  readonly spawnTimeoutSeconds?: number;
  /**
   * Seconds from a request's place among maxConcurrent until its answer must have been passed on whole; over, it
   * is answered 504, or broken off where the answer has begun. An upgraded connection (a WebSocket) has no such
   * limit but idleSeconds. 60 when not said.
   */
  readonly requestTimeoutSeconds?: number;
  /**
   * How many domains of this template may exist at once for requests; further requests wait. Several replicas of
   * the ingress share it. 16 when not said.
   */
  readonly maxConcurrent?: number;
  /**
   * How many requests may wait for a domain at once; further ones are answered 503 with Retry-After at once. 0
   * lets none wait. 64 when not said.
   */
  readonly maxQueued?: number;
  /**
   * Seconds that a request may wait for a place among maxConcurrent before it is answered 503 with Retry-After. 5
   * when not said.
   */
  readonly queueTimeoutSeconds?: number;
  /**
   * How many requests of one client address may wait or be served at once; further ones are answered 429. No limit
   * when not said.
   */
  readonly maxPerClient?: number;
  /**
   * Paths, without query, that are answered 404 and start no domain; compared byte for byte with the whole path of
   * the request. /favicon.ico is always one of them. Example: [/robots.txt, /apple-touch-icon.png].
   */
  readonly ignore?: readonly string[];
  /**
   * Protocols that a request may upgrade its connection to, as in its header Upgrade; any other is passed on
   * without its Upgrade. [] allows none. [websocket] when not said.
   */
  readonly upgrades?: readonly string[];
  /**
   * How many connections a guest serves: one (it powers off after the first, so that none is spent on a probe) or
   * many. With readiness http each probe is a connection. many when not said where the template has readiness
   * http, else one. A domain serves one request all the same.
   */
  readonly connections?: 'one' | 'many';
  /**
   * Least bytes a second, counted over 5 seconds, that a client must send of its body or take of the answer while
   * it holds a domain; a slower one is cut off. Upgraded connections and event streams are excepted. 0 sets no
   * limit. 240 when not said.
   */
  readonly minBytesPerSecond?: number;
  /**
   * Seconds without a byte in either direction after which an upgraded connection (a WebSocket) is closed. 300
   * when not said.
   */
  readonly idleSeconds?: number;
  /**
   * Seconds that a domain may still run after its answer was passed on; then its EphemeralDomain is deleted, which
   * destroys it. 0 deletes at once. 5 when not said.
   */
  readonly lingerSeconds?: number;
  /**
   * Seconds that the EphemeralDomain of a request is kept after its end, for you to look at; 0 keeps none. When
   * not said, template.spec.ttlSecondsAfterFinished, else 300.
   */
  readonly keepFinishedSeconds?: number;
  /**
   * How many finished EphemeralDomains of requests each replica of the ingress keeps of this template, as a
   * CronJob does of its Jobs; the oldest go first, also before keepFinishedSeconds are over. 0 keeps none. 100
   * when not said.
   */
  readonly historyLimit?: number;
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

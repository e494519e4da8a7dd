/** What an EphemeralDomain comes to: its own spec, or what its template came to when a host was found. */
import type { DomainSpec, EphemeralDomain, EphemeralDomainSpec } from './ephemeraldomain.gen.ts';

/** A spec that says itself what runs, as a template's does, and as every EphemeralDomain's is once it is resolved. */
export type EffectiveSpec = Omit<EphemeralDomainSpec, 'domain' | 'templateRef'> & { readonly domain: DomainSpec };

/**
 * What a resource comes to: its spec where that has a domain, else status.resolved. What it says itself of its run policy
 * counts before that, since some of it can be changed later. Undefined while a template is not resolved yet.
 */
export const effectiveSpec = ({ spec, status }: EphemeralDomain): EffectiveSpec | undefined => {
  const { domain, templateRef, ...own } = spec;
  if (domain !== undefined) return { ...own, domain };
  if (templateRef === undefined || status?.resolved === undefined) return undefined;
  const { hostSelector, parameters } = status.resolved;
  return {
    ...status.resolved,
    ...own,
    ...(hostSelector === undefined ? {} : { hostSelector }),
    ...(parameters === undefined ? {} : { parameters }),
  };
};

/** Names of the parameters whose values come from Secrets. */
export const secretParameters = ({ parameters = [] }: EffectiveSpec): readonly string[] =>
  parameters.filter(({ valueFrom }) => valueFrom?.secretKeyRef !== undefined).map(({ name }) => name);

import { effectiveSpec, policyOf } from '#controller/api/index.ts';
import type { EphemeralDomain } from '#controller/api/index.ts';
import type { Ask, Labels } from '#controller/scheduler/index.ts';
import { memoryKiBOf } from './plan.ts';

/** What a resource, resolved where it names a template, asks of a host. `labels`: of its Namespace, where they are known. */
export function askOf(resource: EphemeralDomain, labels: Labels | undefined): Ask {
  return {
    memory: memoryKiBOf(resource) * 1024,
    hostSelector: effectiveSpec(resource)?.hostSelector,
    tolerations: policyOf(resource).tolerations,
    namespace: { name: resource.metadata.namespace ?? '', labels },
  };
}

/** What asks the same is refused by the same hosts. */
export function signatureOf(resource: EphemeralDomain): string {
  const { hostSelector = null } = effectiveSpec(resource) ?? {};
  const { tolerations } = policyOf(resource);
  return JSON.stringify([memoryKiBOf(resource), hostSelector, tolerations, resource.metadata.namespace]);
}

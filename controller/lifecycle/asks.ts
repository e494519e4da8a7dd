import { effectiveSpec, policyOf } from '#controller/api/index.ts';
import type { EphemeralDomain } from '#controller/api/index.ts';
import type { Ask, Labels } from '#controller/scheduler/index.ts';
import { needsOf } from './plan.ts';

/** What a resource, resolved where it names a template, asks of a host. `labels`: of its Namespace, where they are known. */
export function askOf(resource: EphemeralDomain, labels: Labels | undefined): Ask {
  const { memoryKiB, ...needs } = needsOf(resource);
  return {
    ...needs,
    memory: memoryKiB * 1024,
    hostSelector: effectiveSpec(resource)?.hostSelector,
    tolerations: policyOf(resource).tolerations,
    avoid: resource.spec.request?.avoidHosts,
    namespace: { name: resource.metadata.namespace ?? '', labels },
  };
}

/** What asks the same is refused by the same hosts; those that it would rather avoid refuse it no more than others. */
export function signatureOf(resource: EphemeralDomain): string {
  const { hostSelector = null } = effectiveSpec(resource) ?? {};
  const { tolerations } = policyOf(resource);
  return JSON.stringify([needsOf(resource), hostSelector, tolerations, resource.metadata.namespace]);
}

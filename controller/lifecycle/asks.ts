import { effectiveSpec } from '#controller/api/index.ts';
import type { EphemeralDomain } from '#controller/api/index.ts';
import type { Ask } from '#controller/scheduler/index.ts';
import { memoryKiBOf } from './plan.ts';

/** What a resource, resolved where it names a template, asks of a host. */
export function askOf(resource: EphemeralDomain): Ask {
  return { memory: memoryKiBOf(resource) * 1024, hostSelector: effectiveSpec(resource)?.hostSelector };
}

/** What asks the same is refused by the same hosts. */
export function signatureOf(resource: EphemeralDomain): string {
  return JSON.stringify([memoryKiBOf(resource), effectiveSpec(resource)?.hostSelector ?? null]);
}

import type { EphemeralDomain, EphemeralDomainStatus } from '#controller/api/index.ts';

/** An EphemeralDomain as the API server would return it. */
export function resource(spec: Partial<EphemeralDomain['spec']> = {}, status?: EphemeralDomainStatus): EphemeralDomain {
  return {
    metadata: {
      name: 'x',
      namespace: 'default',
      uid: 'u-1',
      resourceVersion: '7',
      generation: 1,
      creationTimestamp: '2026-11-23T11:59:59Z',
    },
    spec: { domain: { type: 'pv', memory: '64Mi', vcpus: 1, boot: { kernel: 'k' } }, ...spec },
    ...(status === undefined ? {} : { status }),
  };
}

/** What the API server makes of a merge patch (RFC 7386) to a status. */
export function merge(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const merged = new Map(Object.entries(typeof target === 'object' && target !== null ? target : {}));
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) merged.delete(key);
    else merged.set(key, merge(merged.get(key), value));
  }
  return Object.fromEntries(merged);
}

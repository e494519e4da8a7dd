import type { SpawnRequest } from '../types.ts';

const DOMAIN = { type: 'pv' as const, memory: '64Mi', vcpus: 1, boot: { kernel: 'k' } };

/** A request for the template shop/web, whose domains' policy and metadata are given. */
export function spawnRequest(policy: object = {}, more: Partial<SpawnRequest> = {}, metadata = {}): SpawnRequest {
  return {
    backend: {
      namespace: 'shop',
      template: { metadata: { name: 'web' }, spec: { template: { metadata, spec: { domain: DOMAIN, ...policy } } } },
      ingress: { namespace: 'shop', name: 'front' },
      ...{ port: 8000, connections: 'one', spawnTimeoutMs: 10_000, requestTimeoutMs: 60_500, keepFinishedSeconds: 300 },
    },
    ...{ method: 'GET', host: 'shop.example.org', path: '/', avoidHosts: [], signal: new AbortController().signal },
    receivedTime: Date.UTC(2026, 0, 2, 3, 4, 5) + 678.901,
    ...more,
  };
}

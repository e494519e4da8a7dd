import { randomBytes, randomUUID } from 'node:crypto';

import { EPHEMERAL_DOMAIN_TEMPLATES } from '#controller/api/index.ts';
import type { DomainSpec, EphemeralDomainTemplate } from '#controller/api/index.ts';
import { silentLogger, systemClock } from '#controller/kube/index.ts';
import type { RestClient } from '#controller/kube/index.ts';
import { Spawner } from '#controller/ingress/spawn/index.ts';
import type { SpawnBackend, Spawned, SpawnerOptions, SpawnRequest } from '#controller/ingress/spawn/index.ts';
import type { Stage } from '../lifecycle/stage.ts';

type TemplateSpec = EphemeralDomainTemplate['spec']['template']['spec'];

/** One ingress replica's spawner on a stage. */
export interface SpawnStage {
  readonly spawner: Spawner;
  readonly replica: string;
  /** Creates a template of hatchlings. */
  template(name: string, domain: Partial<DomainSpec>, policy?: Partial<TemplateSpec>): Promise<SpawnBackend>;
  start(backend: SpawnBackend, request?: Partial<SpawnRequest>): Visit;
  stop(): Promise<void>;
  /** Ends it as SIGKILL does: nothing is deleted. */
  kill(): Promise<void>;
}

export interface Visit {
  readonly spawned: Spawned;
  leave(): void;
}

export function createSpawnStage(
  stage: Stage,
  options: Partial<SpawnerOptions> = {},
  rest: RestClient = stage.rest,
): SpawnStage {
  const replica = options.replica ?? `ingress-${randomUUID().slice(0, 8)}`;
  const spawner = new Spawner({
    ...{ rest, clock: systemClock, random: Math.random, logger: silentLogger, replica },
    namespaces: [stage.namespace],
    randomHex: (bytes) => randomBytes(bytes).toString('hex'),
    notifyEndpoint: () => ({ host: '192.0.2.7', port: stage.notify.address.port }),
    hostOf: (address) => (address.startsWith('198.1') ? 'of-the-stage' : undefined),
    ...options,
  });
  const stop = new AbortController();
  const running = spawner.run(stop.signal);
  return {
    spawner,
    replica,
    template: async (name, domain, policy = {}) => {
      const boot = { kernel: 'hatchling', cmdline: '-notify $(NOTIFY_URL)' };
      const spec = { ...policy, domain: { type: 'pv' as const, memory: '64Mi', vcpus: 1, boot, ...domain } };
      const template = await stage.rest.create(EPHEMERAL_DOMAIN_TEMPLATES, {
        metadata: { name, namespace: stage.namespace },
        spec: { template: { spec } },
      });
      const { namespace } = stage;
      const limits = { spawnTimeoutMs: 20_000, requestTimeoutMs: 60_000 };
      return { namespace, template, ingress: { namespace, name: 'shop' }, port: 8000, connections: 'one', ...limits };
    },
    start: (backend, request = {}) => {
      const visitor = new AbortController();
      const what = { method: 'GET', host: 'shop.example.org', path: '/cart', receivedTime: Date.now(), avoidHosts: [] };
      return {
        spawned: spawner.start({ backend, ...what, signal: visitor.signal, ...request }),
        leave: () => visitor.abort(),
      };
    },
    kill: async () => {
      stop.abort();
      await running;
    },
    stop: async () => {
      await spawner.deleteAll();
      stop.abort();
      await running;
    },
  };
}

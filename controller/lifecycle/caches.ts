import { DOMAIN_HOSTS, EPHEMERAL_DOMAIN_TEMPLATES, EPHEMERAL_DOMAINS } from '#controller/api/index.ts';
import type { DomainHost, EphemeralDomain, EphemeralDomainTemplate } from '#controller/api/index.ts';
import { createReflector, createStore, NAMESPACES, NODES } from '#controller/kube/index.ts';
import type { KubeObject, Namespace, Node, ReflectorOptions, ResourceType, StoreSink } from '#controller/kube/index.ts';
import type { ControllerDeps } from './deps.ts';
import { DOMAIN_INDEXERS } from './writer.ts';
import type { DomainIndex } from './writer.ts';

/** The caches that everything is decided on. */
export function createCaches({ logger }: ControllerDeps) {
  return {
    domains: createStore<EphemeralDomain, DomainIndex>({
      indexers: DOMAIN_INDEXERS,
      logger,
    }),
    templates: createStore<EphemeralDomainTemplate>({ logger }),
    domainHosts: createStore<DomainHost>({ logger }),
    nodes: createStore<Node>({ logger }),
    namespaces: createStore<Namespace>({ logger }),
  };
}

export type Caches = ReturnType<typeof createCaches>;

/** Keeps them as the API server has it, until the signal aborts. */
export function startReflectors(deps: ControllerDeps, caches: Caches, signal: AbortSignal): Promise<unknown> {
  const { rest: client, logger, clock, random, kubeMetrics } = deps;
  const { key, value } = deps.options.dom0Label;
  const shared = { client, logger, clock, random, ...(kubeMetrics === undefined ? {} : { metrics: kubeMetrics }) };
  const start = <T extends KubeObject>(
    type: ResourceType<T>,
    store: StoreSink<T>,
    narrowed: Pick<ReflectorOptions<T>, 'labelSelector' | 'transform'> = {},
  ) => createReflector({ ...shared, type, store, ...narrowed }).run(signal);
  return Promise.all([
    start(EPHEMERAL_DOMAINS, caches.domains),
    start(EPHEMERAL_DOMAIN_TEMPLATES, caches.templates),
    start(DOMAIN_HOSTS, caches.domainHosts),
    start(NODES, caches.nodes, { labelSelector: `${key}=${value}` }),
    start(NAMESPACES, caches.namespaces, { transform: onlyLabels }),
  ]);
}

/** All that is wanted of a Namespace. */
function onlyLabels({ metadata }: Namespace): Namespace {
  const { name, uid, resourceVersion, creationTimestamp, labels = {} } = metadata;
  return { metadata: { name, uid, resourceVersion, creationTimestamp, labels } };
}

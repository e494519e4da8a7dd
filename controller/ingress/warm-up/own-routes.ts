import type { EphemeralDomainTemplate } from '#controller/api/index.ts';
import { buildTable, EMPTY_SNAPSHOT } from '../routes/index.ts';
import type { Route, Routes } from '../routes/index.ts';

const NAME = 'warm-up';
/** Of no namespace: no other is called so. */
const NOWHERE = { namespace: '', name: NAME, uid: '', creationTimestamp: '' } as const;

type Http = NonNullable<EphemeralDomainTemplate['spec']['http']>;

/** By this nobody has a place. */
export const FULL: Http = { maxConcurrent: 0, maxQueued: 0 };
/** By this each has one, and a guest that has answered is let go at once. */
export const ROOMY: Http = { maxConcurrent: 1_000, maxQueued: 0, lingerSeconds: 0 };

/** Routes that serve / and /favicon.ico of one host, and nothing else, by a template of their own. */
export const ownRoutes = (host: string, http: Http): Pick<Routes, 'current'> => {
  const { table } = buildTable([routeOf(host)], () => templateOf(http));
  const snapshot = { ...EMPTY_SNAPSHOT, table };
  return { current: () => snapshot };
};

const templateOf = (http: Http): EphemeralDomainTemplate => ({
  apiVersion: 'hatchery.dev/v1alpha1',
  kind: 'EphemeralDomainTemplate',
  metadata: { ...NOWHERE, resourceVersion: '' },
  spec: {
    http,
    template: {
      spec: {
        domain: {
          type: 'pvh',
          memory: '1Mi',
          vcpus: 1,
          boot: { kernel: NAME },
          readiness: { notify: {}, periodMilliseconds: 200 },
        },
      },
    },
  },
});

const routeOf = (host: string): Route => ({
  source: { kind: 'Ingress', ...NOWHERE },
  hostnames: [host],
  rules: [
    {
      where: NAME,
      matches: ['/', '/favicon.ico'].map((value) => ({ path: { type: 'Exact', value } })),
      backendRef: { kind: 'EphemeralDomainTemplate', namespace: NOWHERE.namespace, name: NAME },
      precedence: 'rule',
    },
  ],
  redirectToHttps: [],
});

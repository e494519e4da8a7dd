import type { EphemeralDomainTemplate } from '#controller/api/index.ts';
import { buildTable, EMPTY_SNAPSHOT } from '../routes/index.ts';
import type { Route, Routes } from '../routes/index.ts';

const NAME = 'warm-up';

/** Routes that serve one host, by a template that has no place for anybody. */
export const fullRoutes = (host: string): Pick<Routes, 'current'> => {
  const { table } = buildTable([routeOf(host)], () => FULL);
  const snapshot = { ...EMPTY_SNAPSHOT, table };
  return { current: () => snapshot };
};

/** Of no namespace: no other is called so. */
const NOWHERE = { namespace: '', name: NAME, uid: '', creationTimestamp: '' } as const;

const FULL: EphemeralDomainTemplate = {
  apiVersion: 'hatchery.dev/v1alpha1',
  kind: 'EphemeralDomainTemplate',
  metadata: { ...NOWHERE, resourceVersion: '' },
  spec: {
    http: { maxConcurrent: 0, maxQueued: 0 },
    template: { spec: { domain: { type: 'pvh', memory: '1Mi', vcpus: 1, boot: { kernel: NAME } } } },
  },
};

const routeOf = (host: string): Route => ({
  source: { kind: 'Ingress', ...NOWHERE },
  hostnames: [host],
  rules: [
    {
      where: NAME,
      matches: [{ path: { type: 'PathPrefix', value: '/' } }],
      backendRef: { kind: 'EphemeralDomainTemplate', namespace: NOWHERE.namespace, name: NAME },
      precedence: 'rule',
    },
  ],
  redirectToHttps: [],
});

import type { EphemeralDomainTemplate } from '#controller/api/index.ts';
import type {
  Ingress,
  IngressBackend,
  IngressClass,
  IngressPath,
  IngressRule,
  Secret,
} from '#controller/kube/index.ts';

/** Resources for tests of routes. */

export const backend = (template: string): IngressBackend => ({
  resource: { apiGroup: 'hatchery.dev', kind: 'EphemeralDomainTemplate', name: template },
});

/** One path of a rule; `Prefix` unless said. */
export const path = (
  value: string,
  to: string | IngressBackend,
  pathType: IngressPath['pathType'] = 'Prefix',
): IngressPath => ({ path: value, pathType, backend: typeof to === 'string' ? backend(to) : to });

export const rule = (host: string | undefined, ...paths: readonly IngressPath[]): IngressRule => ({
  ...(host === undefined ? {} : { host }),
  http: { paths },
});

const metadata = (name: string, created = 0) => ({
  namespace: 'default',
  name,
  uid: `${name}-uid`,
  resourceVersion: '1',
  creationTimestamp: new Date(Date.UTC(2030, 0, 1) + created * 1000).toISOString(),
});

/** Ingress default/NAME. `created`: seconds after the others. */
export const ingress = (
  name: string,
  spec: NonNullable<Ingress['spec']>,
  more: { readonly created?: number; readonly annotations?: Readonly<Record<string, string>> } = {},
): Ingress => ({
  metadata: {
    ...metadata(name, more.created),
    ...(more.annotations === undefined ? {} : { annotations: more.annotations }),
  },
  spec,
});

export const ingressClass = (
  name: string,
  more: { readonly controller?: string; readonly isDefault?: boolean; readonly created?: number } = {},
): IngressClass => ({
  metadata: {
    ...metadata(name, more.created),
    ...(more.isDefault === true ? { annotations: { 'ingressclass.kubernetes.io/is-default-class': 'true' } } : {}),
  },
  spec: { controller: more.controller ?? 'hatchery.dev/ingress' },
});

export const template = (
  name: string,
  http: EphemeralDomainTemplate['spec']['http'] = {},
): EphemeralDomainTemplate => ({
  metadata: metadata(name),
  spec: {
    http,
    template: { spec: { domain: { type: 'pv', memory: '64Mi', vcpus: 1, boot: { kernel: 'hatchling' } } } },
  },
});

/** A Secret default/NAME with these values in PEM. */
export const tlsSecret = (name: string, values: Readonly<Record<string, string>>): Secret => ({
  metadata: metadata(name),
  data: Object.fromEntries(Object.entries(values).map(([key, pem]) => [key, Buffer.from(pem).toString('base64')])),
});

import { EPHEMERAL_DOMAIN_TEMPLATES } from '#controller/api/index.ts';
import type { EphemeralDomainTemplate } from '#controller/api/index.ts';
import { INGRESSES } from '#controller/kube/index.ts';
import { waitFor } from '#hack/bed/process.ts';
import type { BenchBed } from './bed.ts';
import { NAMESPACE } from './left.ts';
import { ask } from './visitors.ts';

/** Hatchlings that a bench has served under NAME.bench; each tells the ingress when it is ready. */
export interface Served {
  readonly name: string;
  /** Of hatchling's command line. */
  readonly words: string;
  readonly http?: EphemeralDomainTemplate['spec']['http'];
  /** 64Mi unless said. */
  readonly memory?: string;
}

/** Makes a template and an Ingress for the host NAME.bench, and waits until the ingress at that port serves it. */
export async function serveTemplate({ client }: BenchBed, port: number, served: Served): Promise<void> {
  const { name, words, http, memory = '64Mi' } = served;
  const cmdline = `quiet -ipaddr $(IP) -netmask $(NETMASK) -gateway $(GATEWAY) -notify $(NOTIFY_URL) ${words}`;
  const readiness = { notify: {}, periodMilliseconds: 200 };
  const domain = { type: 'pv', memory, vcpus: 1, boot: { kernel: 'hatchling', cmdline }, readiness } as const;
  await client.create(EPHEMERAL_DOMAIN_TEMPLATES, {
    metadata: { name, namespace: NAMESPACE },
    spec: { http: { ...http, ignore: [ignoredPath(name)] }, template: { spec: { domain } } },
  });
  const resource = { apiGroup: 'hatchery.dev', kind: 'EphemeralDomainTemplate', name };
  await client.create(INGRESSES, {
    metadata: { name, namespace: NAMESPACE },
    spec: {
      ingressClassName: 'hatchery',
      rules: [{ host: hostOf(name), http: { paths: [{ path: '/', pathType: 'Prefix', backend: { resource } }] } }],
    },
  });
  // Until then another Ingress, of any host, may answer, by a domain.
  const isKnown = async (): Promise<boolean> => {
    const { status } = await client.get(INGRESSES, { namespace: NAMESPACE, name });
    return (status?.loadBalancer?.ingress ?? []).length > 0;
  };
  await waitFor(`the Ingress ${name} has an address`, isKnown, { timeoutMs: 30_000 });
  await untilServed(port, name);
}

/** Waits until the ingress at that port serves such a template. */
export function untilServed(port: number, name: string): Promise<void> {
  const question = { port, host: hostOf(name), path: ignoredPath(name) };
  const isServed = async (): Promise<boolean> => (await ask(question)).ending === '404 Ignored';
  return waitFor(`the ingress at port ${port} serves ${hostOf(name)}`, isServed, { timeoutMs: 30_000 });
}

/** The host whose requests such a template serves. */
export const hostOf = (name: string): string => `${name}.bench`;

/** No domain is started for it. */
const ignoredPath = (name: string): string => `/${name}-is-known`;

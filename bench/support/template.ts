import { EPHEMERAL_DOMAIN_TEMPLATES } from '#controller/api/index.ts';
import type { EphemeralDomainTemplate } from '#controller/api/index.ts';
import { INGRESSES } from '#controller/kube/index.ts';
import { waitFor } from '#hack/bed/process.ts';
import type { BenchBed } from './bed.ts';
import { NAMESPACE } from './left.ts';
import { ask } from './visitors.ts';

/** Domains that a bench has served under NAME.bench. */
export interface Served {
  readonly name: string;
  /** Of hatchling's command line. */
  readonly words: string;
  readonly http?: EphemeralDomainTemplate['spec']['http'];
}

/** Makes a template and an Ingress for the host NAME.bench, and waits until the ingress at that port serves it. */
export async function serveTemplate({ client }: BenchBed, port: number, { name, words, http }: Served): Promise<void> {
  const cmdline = `quiet -ipaddr $(IP) -netmask $(NETMASK) -gateway $(GATEWAY) -notify $(NOTIFY_URL) ${words}`;
  const known = `/${name}-is-known`;
  const domain = { type: 'pv', memory: '96Mi', vcpus: 1, boot: { kernel: 'hatchling', cmdline } } as const;
  await client.create(EPHEMERAL_DOMAIN_TEMPLATES, {
    metadata: { name, namespace: NAMESPACE },
    spec: {
      http: { ...http, ignore: [known] },
      template: { spec: { domain: { ...domain, readiness: { notify: {}, periodMilliseconds: 200 } } } },
    },
  });
  const resource = { apiGroup: 'hatchery.dev', kind: 'EphemeralDomainTemplate', name };
  await client.create(INGRESSES, {
    metadata: { name, namespace: NAMESPACE },
    spec: {
      ingressClassName: 'hatchery',
      rules: [{ host: hostOf(name), http: { paths: [{ path: '/', pathType: 'Prefix', backend: { resource } }] } }],
    },
  });
  // No domain is ever started for this one; before that another template may answer, with a page.
  await waitFor(
    `the ingress serves ${hostOf(name)}`,
    async () => (await ask({ port, host: hostOf(name), path: known })).ending === '404 Ignored',
    { timeoutMs: 30_000 },
  );
}

/** The host whose requests such a template serves. */
export const hostOf = (name: string): string => `${name}.bench`;

import { EPHEMERAL_DOMAIN_TEMPLATES } from '#controller/api/index.ts';
import type { EphemeralDomainTemplate } from '#controller/api/index.ts';
import { INGRESSES } from '#controller/kube/index.ts';
import { waitFor } from '#hack/bed/process.ts';
import type { BenchBed } from './bed.ts';
import { ask } from './visitor.ts';

/** A template of hatchlings that tell the ingress when they are ready, at the host NAME.bench. */
export interface Served {
  readonly name: string;
  /** Of hatchling's command line. */
  readonly words: string;
  readonly http: NonNullable<EphemeralDomainTemplate['spec']['http']>;
}

const NAMESPACE = 'default';
/** No domain is started for it. */
const IGNORED = '/hatchery-bench-ignored';

/** Makes a template and an Ingress for it; resolves when the ingress knows both. */
export async function serve({ client }: BenchBed, port: number, { name, words, http }: Served): Promise<void> {
  const cmdline = `quiet -ipaddr $(IP) -netmask $(NETMASK) -gateway $(GATEWAY) -notify $(NOTIFY_URL) ${words}`;
  const readiness = { notify: {}, periodMilliseconds: 200 };
  const domain = { type: 'pv' as const, memory: '64Mi', vcpus: 1, boot: { kernel: 'hatchling', cmdline }, readiness };
  await client.create(EPHEMERAL_DOMAIN_TEMPLATES, {
    metadata: { name, namespace: NAMESPACE },
    spec: { http: { ...http, ignore: [IGNORED] }, template: { spec: { domain } } },
  });
  const backend = { resource: { apiGroup: 'hatchery.dev', kind: 'EphemeralDomainTemplate', name } };
  await client.create(INGRESSES, {
    metadata: { name, namespace: NAMESPACE },
    spec: {
      ingressClassName: 'hatchery',
      rules: [{ host: `${name}.bench`, http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }],
    },
  });
  // Until then another Ingress, of any host, may answer.
  const isKnown = async (): Promise<boolean> => {
    const { status } = await client.get(INGRESSES, { namespace: NAMESPACE, name });
    return (status?.loadBalancer?.ingress ?? []).length > 0;
  };
  await waitFor(`the Ingress ${name} has an address`, isKnown, { timeoutMs: 30_000 });
  const isServed = async (): Promise<boolean> => (await ask(port, `${name}.bench`, IGNORED)).status === 404;
  await waitFor(`the ingress serves ${name}.bench`, isServed, { timeoutMs: 30_000 });
}

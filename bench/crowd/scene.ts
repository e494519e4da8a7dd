import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EphemeralDomainTemplate } from '#controller/api/index.ts';
import { logPath, runningIdentity, stopProcess, waitFor } from '#hack/bed/process.ts';
import { recordedPort } from '#hack/cluster/ports.ts';
import { startIngress } from '#hack/commands/ingress.ts';
import type { BenchBed } from '../support/bed.ts';
import { openProbe } from './memory.ts';
import type { Probe } from './memory.ts';

/** A template that NAME.test is served by. */
export interface Served {
  readonly name: string;
  readonly http: NonNullable<EphemeralDomainTemplate['spec']['http']>;
  /** More of the guest's command line. */
  readonly words?: string;
}

/** The bed's ingress, looked into. */
export interface Scene {
  readonly port: number;
  readonly pid: number;
  readonly probe: Probe;
  /** Requests that wait, and slots that are held. */
  load(): Promise<{ readonly waiting: number; readonly held: number }>;
  /** Waits until nobody waits, and no domain is held any more. */
  untilQuiet(): Promise<void>;
  /** Waits until no EphemeralDomain is left either, and so nothing is done for those that were. */
  untilBare(): Promise<void>;
}

export const hostOf = ({ name }: Served): string => `${name}.test`;

/** The ingress that runs; what it began with, `--inspect-port=0`, comes from NODE_OPTIONS. */
export const sceneOf = async ({ bed, cluster }: BenchBed): Promise<Scene> => {
  const url = await readFile(join(bed.dir, 'ingress.url'), 'utf8');
  const metricsPort = await recordedPort(bed, 'ingress-metrics');
  const process = await runningIdentity(bed, 'ingress');
  if (process === undefined || metricsPort === undefined) throw new Error('the ingress of the bed does not run');
  const probe = await openProbe(process.pid, logPath(bed, 'ingress'));
  const load: Scene['load'] = async () => {
    const answer = await fetch(`http://127.0.0.1:${metricsPort}/metrics`, { signal: AbortSignal.timeout(10_000) });
    const text = await answer.text();
    const metric = (name: string): number => Number(new RegExp(`^hatchery_ingress_${name} (.*)$`, 'm').exec(text)?.[1]);
    return { waiting: metric('requests_waiting'), held: metric('slots_held') };
  };
  const isQuiet = async (): Promise<boolean> => {
    const { waiting, held } = await load();
    return waiting + held === 0;
  };
  const untilQuiet = (): Promise<void> =>
    waitFor('no request waits or has a domain', isQuiet, { timeoutMs: 120_000, intervalMs: 100 });
  const isBare = async (): Promise<boolean> =>
    (await cluster.kubectl(['get', 'ephemeraldomains', '--all-namespaces', '--output=name'])) === '';
  return {
    port: Number(new URL(url).port),
    pid: process.pid,
    ...{ probe, load, untilQuiet },
    untilBare: async () => {
      await untilQuiet();
      await waitFor('no EphemeralDomain is left', isBare, { timeoutMs: 60_000, intervalMs: 1_000 });
    },
  };
};

/** A fresh process in its place, at the same addresses. */
export const restartIngress = async (bench: BenchBed): Promise<Scene> => {
  await stopProcess(bench.bed, 'ingress');
  await startIngress(bench.bed, bench.cluster);
  return sceneOf(bench);
};

/** Applies templates and their Ingresses; resolves when the ingress says that it serves them. */
export const serve = async ({ bed, cluster: { kubectl } }: BenchBed, served: readonly Served[]): Promise<void> => {
  const items = served.flatMap((one) => [templateOf(one), ingressOf(one)]);
  await kubectl(['apply', '-f', '-'], { input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items }) });
  for (const { name } of served) {
    const address = ['get', 'ingress', name, '--output=jsonpath={.status.loadBalancer.ingress[0].ip}'];
    await waitFor(`the ingress serves ${name}`, async () => (await kubectl(address)) !== '', {
      timeoutMs: 30_000,
      process: { bed, name: 'ingress' },
    });
  }
};

const TEMPLATE = { apiGroup: 'hatchery.dev', kind: 'EphemeralDomainTemplate' } as const;

/** As in examples/ingress.yaml. */
const CMDLINE =
  'console=hvc0 quiet -name $(DOMAIN_NAME) -id $(DOMAIN_UUID) -ipaddr $(IP) -netmask $(NETMASK) -gateway $(GATEWAY) ' +
  '-notify $(NOTIFY_URL) -shutdown_after 15 -ts_req_received $(REQUEST_TIME)';

const templateOf = ({ name, http, words = '' }: Served): object => ({
  apiVersion: 'hatchery.dev/v1alpha1',
  kind: TEMPLATE.kind,
  metadata: { name },
  spec: {
    http: { keepFinishedSeconds: 10, spawnTimeoutSeconds: 45, ...http },
    template: {
      spec: {
        domain: {
          memory: '96Mi',
          boot: { kernel: 'hatchling', initrd: 'hatchling-initrd', cmdline: `${CMDLINE} ${words}`.trimEnd() },
          readiness: { notify: {} },
        },
      },
    },
  },
});

const ingressOf = (served: Served): object => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'Ingress',
  metadata: { name: served.name },
  spec: {
    ingressClassName: 'hatchery',
    rules: [
      {
        host: hostOf(served),
        http: { paths: [{ path: '/', pathType: 'Prefix', backend: { resource: { ...TEMPLATE, name: served.name } } }] },
      },
    ],
  },
});

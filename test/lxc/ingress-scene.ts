import assert from 'node:assert/strict';
import { request as requestPlain } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';

import {
  EPHEMERAL_DOMAIN_TEMPLATES,
  EPHEMERAL_DOMAINS,
  isFinished,
  LEASE_NAME,
  LeaseAnnotation,
} from '#controller/api/index.ts';
import type { EphemeralDomain, EphemeralDomainTemplate } from '#controller/api/index.ts';
import { backend } from '#controller/ingress/routes/testing/resources.ts';
import { INGRESSES, LEASES, SECRETS } from '#controller/kube/index.ts';
import type { IngressTls } from '#controller/kube/index.ts';
import type { Tracer } from '#controller/observe/index.ts';
import { anchorOf, selfSigned } from '#controller/serve/certificate.ts';
import { presenceRoute, timelineRoute } from '#controller/serve/index.ts';
import { sharedCluster, sharedHost } from '#test/support/bed.ts';
import { eventually } from '#test/support/eventually.ts';
import { createStage } from '../integration/lifecycle/stage.ts';
import type { RunningController, Stage } from '../integration/lifecycle/stage.ts';
import type { AdoptedHost } from '../integration/lifecycle/stage-hosts.ts';
import { startProgram } from '../integration/program/program.ts';
import type { Ended, LogLine, ProgramOptions } from '../integration/program/program.ts';
import { openTestPort } from '../integration/serve/port.ts';
import type { TestPort } from '../integration/serve/port.ts';

type Http = NonNullable<EphemeralDomainTemplate['spec']['http']>;

/** What a template's domains are, apart from being hatchlings that tell the ingress that they are ready. */
export interface Served {
  /** Of hatchling's command line. */
  readonly words: string;
  readonly http?: Http;
  /** False: its Ingress names a template that there is not. */
  readonly hasTemplate?: boolean;
  readonly tls?: readonly IngressTls[];
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface Question {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** Of the visitor, who leaves when it aborts. */
  readonly signal?: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** From before connect() until the head was here. */
  readonly headMs: number;
}

/** `hatchery ingress` as a process of its own. */
export interface IngressProgram {
  readonly port: number;
  readonly tlsPort: number;
  readonly metricsUrl: string;
  readonly ended: Promise<Ended>;
  /** Its access log: one line for each request that is over. */
  requests(): readonly LogLine[];
  log(): readonly LogLine[];
  said(): string;
  kill(signal: NodeJS.Signals): void;
}

export interface SceneOptions {
  /** Of its host; `lxc` unless said. */
  readonly kind?: 'lxc' | 'xen';
  /** Further arguments of the ingress. */
  readonly args?: readonly string[];
  /** Of the controller. */
  readonly tracer?: Tracer;
  /** Of the ingress. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** The ingress on a stage with a host and a controller. */
export interface IngressScene {
  readonly stage: Stage;
  readonly host: AdoptedHost;
  readonly ingress: IngressProgram;
  /** A template, to which no Ingress leads yet. */
  offer(name: string, served: Pick<Served, 'words' | 'http'>): Promise<void>;
  /** Gives NAME.test a template of its own, and waits until the ingress knows it. */
  serve(name: string, served: Served): Promise<void>;
  /** Asks for NAME.test on a connection of its own. */
  ask(name: string, question?: Question): Promise<Answer>;
  /** The EphemeralDomains of a template; all unless named. */
  domains(name?: string): Promise<readonly EphemeralDomain[]>;
  /** Waits until no EphemeralDomain of a template is unfinished, and its host lists none of their domains. */
  untilNothingIsLeft(name: string): Promise<void>;
  dispose(): Promise<void>;
}

const LIFETIME_MS = { lxc: 170_000, xen: 900_000 } as const;
/** On Xen, which is emulated, a guest needs a kernel's memory and more time. */
const MEMORY = { lxc: '64Mi', xen: '96Mi' } as const;
const HTTP: Readonly<Record<'lxc' | 'xen', Http | undefined>> = {
  lxc: undefined,
  xen: { spawnTimeoutSeconds: 120, requestTimeoutSeconds: 240 },
};
export const DEFAULT_CERTIFICATE = selfSigned(['localhost'], new Date());

export const createIngressScene = async (options: SceneOptions = {}): Promise<IngressScene> => {
  const { kind = 'lxc', args = [], tracer, environment } = options;
  const box = kind === 'lxc' ? await sharedHost('lxc', 1) : await sharedHost('xen', 1);
  const stage = await createStage();
  const { namespace, rest } = stage;
  const host = await stage.adopt(box);
  const controller = await stage.controller({
    options: { settleMs: 1_000 },
    ...(tracer === undefined ? {} : { tracer }),
  });
  await stage.untilHost(box.name, 'True', 120_000);
  await giveCertificate(stage, 'default', DEFAULT_CERTIFICATE);
  const port = await openController(stage, controller);
  const ingress = await startProgramOf(namespace, args, {
    lifetimeMs: LIFETIME_MS[kind],
    ...(environment === undefined ? {} : { environment }),
  });

  const patience = { timeoutMs: kind === 'xen' ? 120_000 : 10_000 };
  const ask = (name: string, question: Question = {}): Promise<Answer> => askFor(ingress.port, name, question);
  const domains = async (name?: string): Promise<readonly EphemeralDomain[]> => {
    const labelSelector = name === undefined ? undefined : `hatchery.dev/template=${name}`;
    const { items } = await rest.list(EPHEMERAL_DOMAINS, {
      namespace,
      ...(labelSelector === undefined ? {} : { labelSelector }),
    });
    return items;
  };
  const offer: IngressScene['offer'] = async (name, { words, http = HTTP[kind] }) => {
    const network = '-ipaddr $(IP) -netmask $(NETMASK) -gateway $(GATEWAY) -notify $(NOTIFY_URL)';
    const readiness = { notify: {}, periodMilliseconds: 200 };
    const cmdline = `console=hvc0 quiet ${network} ${words}`;
    const boot = { kernel: 'hatchling', ...(kind === 'xen' ? { initrd: 'hatchling-initrd' } : {}), cmdline };
    const domain = { type: 'pv' as const, memory: MEMORY[kind], vcpus: 1, boot };
    await rest.create(EPHEMERAL_DOMAIN_TEMPLATES, {
      metadata: { name, namespace },
      spec: { ...(http === undefined ? {} : { http }), template: { spec: { domain: { ...domain, readiness } } } },
    });
  };
  return {
    ...{ stage, host, ingress, ask, domains, offer },
    serve: async (name, { words, http, hasTemplate = true, tls, annotations }) => {
      if (hasTemplate) await offer(name, { words, ...(http === undefined ? {} : { http }) });
      const paths = [{ path: '/', pathType: 'Prefix' as const, backend: backend(name) }];
      await rest.create(INGRESSES, {
        metadata: { name, namespace, ...(annotations === undefined ? {} : { annotations }) },
        spec: {
          ingressClassName: 'hatchery',
          rules: [{ host: `${name}.test`, http: { paths } }],
          ...(tls === undefined ? {} : { tls }),
        },
      });
      // No domain is ever started for this one.
      const known = annotations === undefined ? 'Ignored' : '';
      await eventually(async () => {
        const { status, body } = await ask(name, { path: '/favicon.ico', headers: { Accept: 'application/json' } });
        if (!hasTemplate) assert.equal(status, 503);
        else assert.ok(status !== 503 && body.includes(known) && !body.includes('NoRoute'), `${status} ${body}`);
      });
    },
    untilNothingIsLeft: async (name) => {
      await eventually(async () => {
        const left = (await domains(name)).filter(({ status }) => !isFinished(status?.phase));
        assert.deepEqual(
          left.map(({ metadata }) => metadata.name),
          [],
        );
        const listed = (await host.client.listAllDomains()).map((domain) => domain.name);
        assert.deepEqual(
          listed.filter((listedName) => listedName !== 'Domain-0'),
          [],
        );
      }, patience);
    },
    dispose: async () => {
      ingress.kill('SIGKILL');
      await ingress.ended;
      await port.close();
      await stage.dispose();
    },
  };
};

/** The controller's HTTPS port, where the ingress looks for it: as a Lease of the stage's own namespace says. */
const openController = async ({ rest, namespace }: Stage, controller: RunningController): Promise<TestPort> => {
  const { kubectl } = await sharedCluster();
  const lease = { namespace, name: LEASE_NAME };
  const port = await openTestPort((callers) => ({
    timeline: timelineRoute({ callers, sink: () => controller, lease }),
    presence: presenceRoute({ callers, source: () => controller, lease }),
  }));
  const { certificate } = port;
  const renewTime = new Date(Date.now() + LIFETIME_MS.xen).toISOString().replace('Z', '000Z');
  await rest.create(LEASES, {
    metadata: {
      ...lease,
      annotations: { [LeaseAnnotation.Address]: `127.0.0.1:${port.port}`, [LeaseAnnotation.Ca]: anchorOf(certificate) },
    },
    spec: { holderIdentity: 'test', leaseDurationSeconds: 15, renewTime },
  });
  // As everybody may in hatchery-system.
  const rights = ['--verb=get', '--resource=leases.coordination.k8s.io', `--resource-name=${LEASE_NAME}`];
  await kubectl(['create', 'role', 'address', '-n', namespace, ...rights]);
  await kubectl([
    ...['create', 'rolebinding', 'address', '-n', namespace, '--role=address'],
    '--group=system:authenticated',
  ]);
  return port;
};

export const giveCertificate = async (
  { rest, namespace }: Stage,
  name: string,
  { cert, key }: ReturnType<typeof selfSigned>,
): Promise<void> => {
  await rest.create(SECRETS, { metadata: { name, namespace }, data: pairOf(cert, key) });
};

/** What a Secret with these in PEM holds. */
export const pairOf = (cert: string, key: string) => {
  const encoded = (pem: string): string => Buffer.from(pem).toString('base64');
  return { 'tls.crt': encoded(cert), 'tls.key': encoded(key) };
};

/** Starts the real program; resolves when it serves. */
export const startIngress = (namespace: string, ...more: readonly string[]): Promise<IngressProgram> =>
  startProgramOf(namespace, more, { lifetimeMs: LIFETIME_MS.lxc });

const startProgramOf = async (
  namespace: string,
  more: readonly string[],
  options: ProgramOptions,
): Promise<IngressProgram> => {
  const { ingressKubeconfig } = await sharedCluster();
  const args = [
    `--kubeconfig=${ingressKubeconfig}`,
    `--identity=${namespace}`,
    `--controller-namespace=${namespace}`,
    // More than one, so that each is watched by itself.
    `--namespaces=${namespace},default`,
    ...['--http-address=127.0.0.1:0', '--https-address=127.0.0.1:0', '--metrics-address=127.0.0.1:0'],
    '--notify-address=0.0.0.0:0',
    `--default-tls-secret=${namespace}/default`,
    '--drain-delay=0s',
  ];
  const program = startProgram(['ingress', ...args, ...more], options);
  const line = (message: string): LogLine => {
    const found = program.log().find((one) => one.message === message);
    assert.ok(found !== undefined, `no "${message}" in:\n${program.said()}`);
    return found;
  };
  const serving = await eventually(() => line('The ingress serves'), { timeoutMs: 120_000 });
  return {
    ...program,
    port: Number(serving['port']),
    tlsPort: Number(serving['tlsPort']),
    metricsUrl: `http://127.0.0.1:${String(line('Hatchery starts')['port'])}/metrics`,
    requests: () => program.log().filter(({ message }) => message === 'A request is over'),
  };
};

const askFor = (port: number, name: string, { method = 'GET', path = '/', headers, body, signal }: Question) =>
  new Promise<Answer>((resolve, reject) => {
    const begun = performance.now();
    const asked = requestPlain({
      ...{ host: '127.0.0.1', port, method, path, agent: false, timeout: 30_000 },
      headers: { Host: `${name}.test`, ...headers },
      ...(signal === undefined ? {} : { signal }),
    });
    asked.once('timeout', () => asked.destroy(new Error(`${name} gave no answer in time`)));
    asked.once('error', reject);
    asked.once('response', (response) => {
      const headMs = performance.now() - begun;
      let text = '';
      response.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
      response.once('error', reject);
      response.once('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text, headMs });
      });
    });
    if (headers?.['Expect'] === undefined) asked.end(body);
    else asked.once('continue', () => asked.end(body));
  });

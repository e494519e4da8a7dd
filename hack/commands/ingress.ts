import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bed } from '../bed/bed.ts';
import { giveToOwner, writeOwnedFile } from '../bed/owner.ts';
import { isRunning, WaitError, waitFor } from '../bed/process.ts';
import { niceOf } from '../bed/weight.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { pkiOf } from '../cluster/pki.ts';
import { isFree, portFor, PortTakenError, recordedPort } from '../cluster/ports.ts';
import { answersOk, startHatchery } from './controller.ts';
import { UsageError } from './hostlist.ts';

/** What a bed's ingress is told. */
export interface IngressOptions {
  /** The HTTP port; without it 8080, or a free one where that is taken. */
  readonly port?: number | undefined;
  /** Name of the process, its log and its pid file; `ingress` by default. */
  readonly name?: string;
  /** Further arguments, after all others. */
  readonly args?: readonly string[];
}

/** A started ingress. */
export interface IngressProcess {
  readonly name: string;
  readonly pid: number;
  readonly url: string;
  readonly tlsUrl: string;
  /** http://127.0.0.1:PORT with /metrics, /healthz and /readyz. */
  readonly metricsUrl: string;
}

/**
 * By its Deployment's CPU request, 1, as the controller's asks for 100m: it shares its machine with the control plane and the
 * hosts, and with no more than each of their sessions it would wait for all of them, and so would its visitors.
 */
export const INGRESS_NICE = niceOf(1_000);

const USUAL_PORT = 8080;
const PORTS_TRIED = 3;
const DEFAULT_CERTIFICATE = { namespace: 'hatchery-system', name: 'ingress-default-tls' };

/**
 * Starts the real program with its own identity on the API server; resolves when its routes are loaded. Where nobody asked
 * for a port and somebody else, such as another checkout's ingress, was faster to listen on the one that was free, it gets
 * another.
 */
export async function startIngress(bed: Bed, cluster: Cluster, options: IngressOptions = {}): Promise<IngressProcess> {
  const name = options.name ?? 'ingress';
  await giveDefaultCertificate(bed, cluster);
  for (let left = PORTS_TRIED; ; left -= 1) {
    const port = await portFor(bed, name, { wanted: options.port, preferred: USUAL_PORT });
    try {
      return await startOn(port, bed, cluster, name, options.args ?? []);
    } catch (error) {
      const wasTaken = error instanceof WaitError && !(await isRunning(bed, name)) && !(await isFree(port));
      if (options.port !== undefined || !wasTaken || left === 1) throw error;
    }
  }
}

async function startOn(
  port: number,
  bed: Bed,
  cluster: Cluster,
  name: string,
  args: readonly string[],
): Promise<IngressProcess> {
  const tlsPort = await portFor(bed, `${name}-tls`);
  const metricsPort = await portFor(bed, `${name}-metrics`);
  const notifyPort = await portFor(bed, `${name}-notify`);
  const words = [
    'ingress',
    `--kubeconfig=${cluster.ingressKubeconfig}`,
    `--identity=${name}`,
    `--http-address=127.0.0.1:${port}`,
    `--https-address=127.0.0.1:${tlsPort}`,
    `--metrics-address=127.0.0.1:${metricsPort}`,
    // Each host's guests reach the machine by another of its addresses: the end of that host's own link.
    `--notify-address=0.0.0.0:${notifyPort}`,
    `--default-tls-secret=${DEFAULT_CERTIFICATE.namespace}/${DEFAULT_CERTIFICATE.name}`,
    '--publish-address=127.0.0.1',
    '--drain-delay=0s',
    ...args,
  ];
  const { pid } = await startHatchery(bed, name, words, INGRESS_NICE);
  const metricsUrl = `http://127.0.0.1:${metricsPort}`;
  await waitFor(`${name} is ready`, () => answersOk(`${metricsUrl}/readyz`), {
    timeoutMs: 60_000,
    process: { bed, name },
  });
  return { name, pid, url: `http://127.0.0.1:${port}/`, tlsUrl: `https://127.0.0.1:${tlsPort}/`, metricsUrl };
}

/** Refuses a PORT that the ingress cannot have: somebody else has it, or the ingress runs on another. */
export async function checkPort(bed: Bed, port: number | undefined): Promise<void> {
  if (port === undefined) return;
  if (!(await isRunning(bed, 'ingress'))) {
    if (!(await isFree(port))) throw new PortTakenError('ingress', port);
    return;
  }
  const current = await recordedPort(bed, 'ingress');
  if (current === undefined || port === current) return;
  throw new UsageError(`PORT: the ingress runs on port ${current} already: make down first, or leave PORT out`);
}

/** Keeps the ingress' addresses where people and scripts look for them. */
export async function publishIngress(bed: Bed, ingress: IngressProcess): Promise<void> {
  await writeOwnedFile(bed.owner, join(bed.dir, 'ingress.url'), `${ingress.url}\n`);
  await writeOwnedFile(bed.owner, join(bed.dir, 'ingress-tls.url'), `${ingress.tlsUrl}\n`);
  const ca = join(bed.dir, 'ingress-ca.pem');
  await copyFile(pkiOf(bed).ca, ca);
  await giveToOwner(bed.owner, ca);
}

/** Applies examples/ingress.yaml, and waits until the ingress, the process of that name, says that it serves it. */
export async function serveExample(bed: Bed, { kubectl }: Cluster, name = 'ingress'): Promise<void> {
  await kubectl(['apply', '-f', join(bed.root, 'examples', 'ingress.yaml')]);
  const address = ['get', 'ingress', 'hello', '--output=jsonpath={.status.loadBalancer.ingress[0].ip}'];
  await waitFor('the ingress serves examples/ingress.yaml', async () => (await kubectl(address)) !== '', {
    timeoutMs: 30_000,
    process: { bed, name },
  });
}

/** The certificate for visitors who name no host, as the Secret that the ingress is told of. */
async function giveDefaultCertificate(bed: Bed, { kubectl }: Cluster): Promise<void> {
  const { cert, key } = pkiOf(bed).ingressDefault;
  const [certificate, privateKey] = await Promise.all([readFile(cert), readFile(key)]);
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'kubernetes.io/tls',
    metadata: DEFAULT_CERTIFICATE,
    data: { 'tls.crt': certificate.toString('base64'), 'tls.key': privateKey.toString('base64') },
  };
  await kubectl(['apply', '--server-side', '--field-manager=hatchery-bed', '-f', '-'], {
    input: JSON.stringify(secret),
  });
}

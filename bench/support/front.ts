import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { logPath } from '#hack/bed/process.ts';
import { recordedPort } from '#hack/cluster/ports.ts';
import type { BenchBed } from './bed.ts';
import { followLines } from './lines.ts';
import type { Lines } from './lines.ts';
import { connectionsOf } from './sockets.ts';
import { countStarts } from './starts.ts';
import type { Starts } from './starts.ts';

/** The ingress of a bench's bed, as seen from outside. */
export interface IngressView {
  readonly pid: number;
  readonly port: number;
  readonly tlsPort: number;
  /** The value of a metric without labels: hatchery_ingress_NAME. */
  metric(name: string): Promise<number>;
  /** Open connections, by who is at the other end. */
  sockets(): IngressSockets;
  /** Resident memory now, KiB. */
  rssKiB(): Promise<number>;
}

export interface IngressSockets {
  readonly visitors: number;
  /** Connections to guests, and of guests that tell of themselves. */
  readonly guests: number;
  /** Connections to the API server. */
  readonly api: number;
}

/** A line of the ingress' access log, as far as it is read here. */
export interface AccessLine {
  readonly message: string;
  readonly status?: number;
  readonly host?: string;
  readonly path?: string;
  readonly phase?: string;
  readonly reason?: string;
  readonly durationMs?: number;
}

/** All that is watched while requests are made to a bed of one host. */
export interface Lookout {
  readonly ingress: IngressView;
  readonly starts: Starts;
  readonly access: Lines<AccessLine>;
  readonly close: () => Promise<void>;
}

/** Watches a bed of one host and an ingress from now on. */
export async function lookOut(bench: BenchBed): Promise<Lookout> {
  const [host] = bench.hosts;
  if (host === undefined) throw new Error('the bed has no host');
  const ingress = await viewIngress(bench);
  const starts = await countStarts(host);
  const access = await followLines<AccessLine>(logPath(bench.bed, 'ingress'));
  const close = async (): Promise<void> => {
    await Promise.all([starts.close(), access.close()]);
  };
  return { ingress, starts, access, close };
}

/** Finds the ingress of a bed that runs one. */
async function viewIngress({ bed, cluster }: BenchBed): Promise<IngressView> {
  const portOf = async (name: string): Promise<number> => {
    const port = await recordedPort(bed, name);
    if (port === undefined) throw new Error(`${bed.dir} has no port of ${name}`);
    return port;
  };
  const pid = Number(await readFile(join(bed.dir, 'run', 'ingress.pid'), 'utf8'));
  const port = await portOf('ingress');
  const tlsPort = await portOf('ingress-tls');
  const metricsPort = await portOf('ingress-metrics');
  const apiPort = Number(new URL(cluster.url).port);
  return {
    ...{ pid, port, tlsPort },
    metric: async (name) => {
      const response = await fetch(`http://127.0.0.1:${metricsPort}/metrics`, { signal: AbortSignal.timeout(30_000) });
      const value = new RegExp(`^hatchery_ingress_${name} (.*)$`, 'm').exec(await response.text())?.[1];
      return Number(value ?? Number.NaN);
    },
    sockets: () => {
      const open = connectionsOf(pid);
      const visitors = open.filter(({ localPort }) => localPort === port || localPort === tlsPort).length;
      const api = open.filter(({ remotePort }) => remotePort === apiPort).length;
      // A connection of its metrics is this very program's.
      const metrics = open.filter(({ localPort }) => localPort === metricsPort).length;
      return { visitors, api, guests: open.length - visitors - api - metrics };
    },
    rssKiB: async () => {
      const status = await readFile(`/proc/${pid}/status`, 'utf8');
      return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? Number.NaN);
    },
  };
}

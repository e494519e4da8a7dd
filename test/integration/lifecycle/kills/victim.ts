import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { loadKubeConfig } from '#controller/kube/index.ts';
import type { Cluster } from '#hack/cluster/cluster.ts';
import { removeScratch, scratch, startProgram } from '../../program/program.ts';
import type { Program } from '../../program/program.ts';
import type { Label } from '../stage-hosts.ts';
import { openApiWire } from './api-wire.ts';
import type { ApiRequest } from './api-wire.ts';
import type { Guarded } from '../wire.ts';

/** The real program, which is killed with -9 and comes back as often as it is. */
export interface Victim {
  /** How often it was killed. */
  readonly deaths: number;
  /** Kills it, cuts it off from the API server, and lets the next one come. */
  kill(): void;
  stop(): Promise<void>;
}

const LIFETIME_MS = 600_000;

/** Starts it, with the Nodes of this label as its hosts and `guard` between it and the API server. */
export async function startVictim(
  cluster: Cluster,
  label: Label,
  guard: (asked: ApiRequest) => Guarded | undefined,
): Promise<Victim> {
  const config = await loadKubeConfig({ kubeconfig: cluster.controllerKubeconfig });
  const api = await openApiWire(config, guard);
  const folder = await scratch({});
  const kubeconfig = join(folder, 'kubeconfig');
  await writeFile(kubeconfig, await throughProxy(cluster.controllerKubeconfig, api.server, api.ca));
  const programs: Program[] = [];
  let isStopped = false;
  let deaths = 0;
  const start = (): Program => {
    const args = [
      'controller',
      `--kubeconfig=${kubeconfig}`,
      '--identity=victim',
      `--dom0-label=${label.key}=${label.value}`,
      '--trust-node-annotations',
      '--metrics-address=127.0.0.1:0',
    ];
    // Types need not be stripped anew each time.
    const environment = { NODE_COMPILE_CACHE: join(folder, 'compiled') };
    const program = startProgram(args, { environment, lifetimeMs: LIFETIME_MS });
    programs.push(program);
    return program;
  };
  let current = start();
  const kill = (): void => {
    current.kill('SIGKILL');
    api.cut();
    deaths += 1;
    if (!isStopped) current = start();
  };
  return {
    get deaths() {
      return deaths;
    },
    kill,
    stop: async () => {
      isStopped = true;
      current.kill('SIGKILL');
      await Promise.all(programs.map(({ ended }) => ended));
      await api[Symbol.asyncDispose]();
      await removeScratch(folder);
    },
  };
}

/** The controller's kubeconfig, but with another server. */
async function throughProxy(path: string, server: string, ca: string): Promise<string> {
  const config = JSON.parse(await readFile(path, 'utf8')) as { clusters: { cluster: object }[] };
  const cluster = { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') };
  return JSON.stringify({ ...config, clusters: config.clusters.map((each) => ({ ...each, cluster })) });
}

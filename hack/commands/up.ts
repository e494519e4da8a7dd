import { appendFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bed } from '../bed/bed.ts';
import type { Cleanup } from '../bed/cleanup.ts';
import { ensurePackages } from '../bed/packages.ts';
import { isRunning, recordedProcesses, stopProcess, waitFor } from '../bed/process.ts';
import { step } from '../bed/step.ts';
import { together } from '../bed/together.ts';
import { attachCluster, isClusterRunning, startCluster } from '../cluster/cluster.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { COMPONENTS } from '../cluster/components.ts';
import { deleteNodes, registerNodes } from '../cluster/node.ts';
import type { TestHost } from '../hosts/host.ts';
import { ensureClientPki } from '../hosts/xen/pki.ts';
import { isControllerRunning, startController } from './controller.ts';
import { takeDown } from './down.ts';
import { checkPort, publishIngress, serveExample, startIngress } from './ingress.ts';
import { createHost, hostPackages } from './hosts.ts';
import { hostName } from './hostlist.ts';
import type { HostChoice } from './hostlist.ts';
import { patchVifScripts, waitUntilHostsReady } from './domainhosts.ts';

/** What a bed is to have. */
export interface UpOptions {
  readonly hosts: readonly HostChoice[];
  /** Whether the ingress runs too, with examples/ingress.yaml, and on which port; none where undefined. */
  readonly ingress?: { readonly port: number | undefined };
  /** Whether the API server writes down when it was asked to create or delete EphemeralDomains. */
  readonly audit?: boolean | undefined;
}

/** A bed that is up. */
export interface RunningBed {
  readonly bed: Bed;
  readonly cluster: Cluster;
  readonly hosts: readonly TestHost[];
}

/**
 * Starts what is missing of a bed, and returns when all of it is ready. How to undo what this very call starts goes to
 * `cleanup`; what was up before is left.
 */
export async function bringUp(bed: Bed, cleanup: Cleanup, options: UpOptions): Promise<RunningBed> {
  await checkPort(bed, options.ingress?.port);
  const hosts = options.hosts.map((choice) => createHost(bed, choice));
  if (await anythingRuns(bed)) {
    await undoOneByOne(bed, cleanup, hosts);
  } else {
    cleanup.add('everything that was started', () => takeDown(bed));
    await forgetOldLogs(bed);
  }

  await ensurePackages(hostPackages(options.hosts));
  await together([
    async () => {
      await startCluster(bed, { audit: options.audit });
    },
    ...hosts.map((host) => () => startHost(bed, host)),
  ]);
  const cluster = await attachCluster(bed);
  await step('Creating Node objects', () => registerNodes(cluster.kubectl, hosts));
  if (!(await isControllerRunning(bed))) {
    const libvirtPki = await ensureClientPki(bed);
    await step('Starting the controller', () => startController(bed, cluster, { libvirtPki }));
  }
  if (hosts.length > 0) {
    await step(`Waiting until DomainHosts are Ready: ${hosts.map(({ name }) => name).join(', ')}`, async (progress) => {
      await patchVifScripts(cluster.kubectl, hosts);
      await waitUntilHostsReady(cluster.kubectl, hosts, progress, { bed, name: 'controller' });
    });
  }
  if (options.ingress !== undefined) await openIngress(bed, cluster, options.ingress.port);
  return { bed, cluster, hosts };
}

/** Starts the ingress where it does not run, and lets it serve the example. */
async function openIngress(bed: Bed, cluster: Cluster, port: number | undefined): Promise<void> {
  if (!(await isRunning(bed, 'ingress'))) {
    await step('Starting the ingress', async () => publishIngress(bed, await startIngress(bed, cluster, { port })));
  }
  await step('Serving examples/ingress.yaml', () => serveExample(bed, cluster));
}

/** Whether any process of the bed runs. */
export async function anythingRuns(bed: Bed): Promise<boolean> {
  for (const name of await recordedProcesses(bed)) if (await isRunning(bed, name)) return true;
  return false;
}

/** The logs of a bed that is down are there to be read, until the next one begins. */
async function forgetOldLogs(bed: Bed): Promise<void> {
  const folder = join(bed.dir, 'logs');
  for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true });
}

async function startHost(bed: Bed, host: TestHost): Promise<void> {
  if (await host.isRunning()) return;
  // Noted before anything of it exists, and outside of the checkout: `make down` finds it also where .hatchery is gone.
  await appendFile(join(bed.runDir, 'hosts'), `${host.name}\n`);
  await step(`Starting ${host.name}`, () => host.start());
  await waitFor(`${host.name} runs`, () => host.isRunning(), { timeoutMs: 10_000 });
}

/** For a bed that is partly up: remembers what of it does not run now, since that alone is this call's to undo. */
async function undoOneByOne(bed: Bed, cleanup: Cleanup, hosts: readonly TestHost[]): Promise<void> {
  for (const name of COMPONENTS) {
    if (!(await isRunning(bed, name))) cleanup.add(`start of ${name}`, () => stopProcess(bed, name));
  }
  for (const host of hosts) {
    if (await host.isRunning()) continue;
    cleanup.add(`start of ${host.name}`, () => step(`Stopping ${host.name}`, () => host.stop()));
    cleanup.add(`Node ${host.name}`, async () => {
      if (await isClusterRunning(bed)) await deleteNodes((await attachCluster(bed)).kubectl, [host.name]);
    });
  }
  for (const name of ['controller', 'ingress']) {
    if (!(await isRunning(bed, name))) cleanup.add(`start of the ${name}`, () => stopProcess(bed, name));
  }
}

/** The hosts that a choice names, in words. */
export function describeHosts(hosts: readonly HostChoice[]): string {
  return hosts.length === 0 ? 'no hosts' : hosts.map(hostName).join(', ');
}

import { access, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bed } from '../bed/bed.ts';
import { makeOwnedFolder } from '../bed/owner.ts';
import { isRunning, startProcess, stopProcess, waitFor } from '../bed/process.ts';
import { step } from '../bed/step.ts';
import { auditArguments } from './audit.ts';
import { controlPlaneBinaries, installKubectl } from './binaries.ts';
import { apiServerProcess, COMPONENTS, controllerManagerProcess, etcdProcess } from './components.ts';
import type { ComponentInput } from './components.ts';
import { createKubectl } from './kubectl.ts';
import type { Kubectl } from './kubectl.ts';
import { writeKubeconfig } from './kubeconfig.ts';
import { installHatcheryTypes } from './install.ts';
import { CONTROLLER_USER, ensurePki, INGRESS_USER, readCredentials } from './pki.ts';
import type { KeyPair, Pki } from './pki.ts';
import { portFor, recordedPort } from './ports.ts';

/** A running control plane with Hatchery's types and roles in it. */
export interface Cluster {
  /** https URL of the API server, on 127.0.0.1. */
  readonly url: string;
  /** Path of the administrator's kubeconfig, namespace default. */
  readonly kubeconfig: string;
  /** Path of the kubeconfig with the controller's own identity. */
  readonly controllerKubeconfig: string;
  /** The same of the ingress. */
  readonly ingressKubeconfig: string;
  /** Runs kubectl as the administrator; resolves with its stdout. */
  readonly kubectl: Kubectl;
  /** Ends the control plane; what it stored goes too. */
  stop(): Promise<void>;
}

/** What startCluster() may be told. */
export interface ClusterOptions {
  /** The API server's port; a free one by default. */
  readonly port?: number;
  /** Whether a starting API server writes down when it was asked to create or delete EphemeralDomains; see audit.ts. */
  readonly audit?: boolean | undefined;
}

/** Starts what is missing of a bed's control plane; resolves when it serves Hatchery's types. Idempotent. */
export async function startCluster(bed: Bed, options: ClusterOptions = {}): Promise<Cluster> {
  const binaries = await controlPlaneBinaries(bed);
  await makeOwnedFolder(bed.owner, join(bed.dir, 'cluster'));
  await installKubectl(bed, binaries);
  const input: ComponentInput = { bed, binaries, pki: await ensurePki(bed) };
  const verb = (await isClusterRunning(bed)) ? 'Checking' : 'Starting';
  await step(`${verb} etcd and the Kubernetes API server`, () => startServers(input, options));
  const cluster = await attachCluster(bed);
  await step(`${verb} kube-controller-manager`, () => startControllerManager(input, cluster));
  await step("Installing Hatchery's types and roles", () => installHatcheryTypes(bed, cluster.kubectl));
  return cluster;
}

/** The control plane that another program started; fails where the bed has none. */
export async function attachCluster(bed: Bed): Promise<Cluster> {
  const port = await recordedPort(bed, 'kube-apiserver');
  if (port === undefined) throw new Error(`${bed.dir} holds no control plane; "make up" starts one`);
  const kubeconfig = join(bed.dir, 'kubeconfig');
  return {
    url: `https://127.0.0.1:${port}`,
    kubeconfig,
    controllerKubeconfig: join(bed.dir, 'controller.kubeconfig'),
    ingressKubeconfig: join(bed.dir, 'ingress.kubeconfig'),
    kubectl: createKubectl(bed, kubeconfig),
    stop: () => stopCluster(bed),
  };
}

/** Ends a bed's control plane and removes its data and kubeconfigs. Idempotent. */
export async function stopCluster(bed: Bed): Promise<void> {
  for (const name of COMPONENTS.toReversed()) await stopProcess(bed, name);
  for (const name of ['cluster', 'kubeconfig', 'controller.kubeconfig', 'ingress.kubeconfig']) {
    await rm(join(bed.dir, name), { recursive: true, force: true });
  }
}

/** Whether all processes of the control plane run. */
export async function isClusterRunning(bed: Bed): Promise<boolean> {
  for (const name of COMPONENTS) if (!(await isRunning(bed, name))) return false;
  return true;
}

async function startServers(input: ComponentInput, options: ClusterOptions): Promise<void> {
  const { bed } = input;
  if (!(await isRunning(bed, 'etcd'))) {
    // The API server holds on to etcd's port; where that one is new, it has to be started anew too.
    const ports = { client: await portFor(bed, 'etcd'), peer: await portFor(bed, 'etcd-peer') };
    await stopProcess(bed, 'kube-apiserver');
    await startProcess(bed, etcdProcess(input, ports));
  }
  const etcdPort = await recordedPort(bed, 'etcd');
  if (etcdPort === undefined) throw new Error(`etcd runs, but its port is not in ${bed.dir}/cluster`);
  if (!(await isRunning(bed, 'kube-apiserver'))) {
    const port = await portFor(bed, 'kube-apiserver', { wanted: options.port });
    await writeKubeconfigs(bed, input.pki, `https://127.0.0.1:${port}`);
    const audit = options.audit === true ? await auditArguments(bed) : [];
    await startProcess(bed, apiServerProcess(input, port, etcdPort, audit));
  }
  const kubectl = createKubectl(bed, join(bed.dir, 'kubeconfig'));
  await waitFor('the API server is ready', () => kubectl.answers(['get', '--raw=/readyz']), {
    timeoutMs: 90_000,
    intervalMs: 200,
    process: { bed, name: 'kube-apiserver', needs: ['etcd'] },
  });
}

async function startControllerManager(input: ComponentInput, cluster: Cluster): Promise<void> {
  const { bed } = input;
  if (!(await isRunning(bed, 'kube-controller-manager'))) {
    await startProcess(bed, controllerManagerProcess(input, controllerManagerKubeconfig(bed)));
  }
  const account = ['get', 'serviceaccount', 'default', '--namespace=default'];
  await waitFor('kube-controller-manager makes the default service account', () => cluster.kubectl.answers(account), {
    timeoutMs: 60_000,
    intervalMs: 200,
    process: { bed, name: 'kube-controller-manager', needs: ['etcd', 'kube-apiserver'] },
  });
}

async function writeKubeconfigs(bed: Bed, pki: Pki, server: string): Promise<void> {
  const write = async (path: string, user: string, pair: KeyPair): Promise<void> => {
    await writeKubeconfig(bed, path, { server, user, ...(await readCredentials(pki, pair)) });
  };
  await write(join(bed.dir, 'kubeconfig'), 'admin', pki.admin);
  await write(join(bed.dir, 'controller.kubeconfig'), CONTROLLER_USER, pki.controller);
  await write(join(bed.dir, 'ingress.kubeconfig'), INGRESS_USER, pki.ingress);
  await write(controllerManagerKubeconfig(bed), 'system:kube-controller-manager', pki.controllerManager);
}

function controllerManagerKubeconfig(bed: Bed): string {
  return join(bed.dir, 'cluster', 'controller-manager.kubeconfig');
}

/** Whether a bed has ever had a control plane that was not taken down since. */
export async function hasCluster(bed: Bed): Promise<boolean> {
  return access(join(bed.dir, 'kubeconfig')).then(
    () => true,
    () => false,
  );
}

import { join } from 'node:path';
import type { Bed } from '../bed/bed.ts';
import { isRunning, startProcess, waitFor } from '../bed/process.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { portFor } from '../cluster/ports.ts';

/** What differs from one controller of a bed to another. */
export interface ControllerOptions {
  /** Name of the process, its log and its pid file; `controller` by default. */
  readonly name?: string;
  /** Folder with the client certificate for libvirt. */
  readonly libvirtPki: string;
  /** Further arguments, after all others. */
  readonly args?: readonly string[];
}

/** A started controller. */
export interface ControllerProcess {
  readonly name: string;
  readonly pid: number;
  /** http://127.0.0.1:PORT with /metrics, /healthz and /readyz. */
  readonly metricsUrl: string;
}

/** Starts the real program with its own identity on the API server; resolves when it says that it is ready. */
export async function startController(
  bed: Bed,
  cluster: Cluster,
  options: ControllerOptions,
): Promise<ControllerProcess> {
  const name = options.name ?? 'controller';
  const port = await portFor(bed, `${name}-metrics`);
  const httpsPort = await portFor(bed, `${name}-https`);
  const notifyPort = await portFor(bed, `${name}-notify`);
  const { pid } = await startHatchery(bed, name, [
    'controller',
    `--kubeconfig=${cluster.controllerKubeconfig}`,
    `--identity=${name}`,
    '--trust-node-annotations',
    `--libvirt-pki=${options.libvirtPki}`,
    `--metrics-address=127.0.0.1:${port}`,
    `--https-address=127.0.0.1:${httpsPort}`,
    // Each host's guests reach the machine by another of its addresses: the end of that host's own link.
    `--notify-address=0.0.0.0:${notifyPort}`,
    ...(options.args ?? []),
  ]);
  const metricsUrl = `http://127.0.0.1:${port}`;
  await waitFor(`${name} is ready`, () => answersOk(`${metricsUrl}/readyz`), {
    timeoutMs: 60_000,
    process: { bed, name },
  });
  return { name, pid, metricsUrl };
}

/** Starts the program as the bed's owner, told nothing by its environment. `nice`: as for startProcess(). */
export function startHatchery(
  bed: Bed,
  name: string,
  args: readonly string[],
  nice?: number,
): Promise<{ readonly pid: number }> {
  return startProcess(bed, {
    ...{ name, nice },
    command: join(bed.root, 'node_modules', '.bin', 'node'),
    asOwner: true,
    env: { KUBECONFIG: undefined },
    args: [join(bed.root, 'controller', 'main.ts'), ...args],
  });
}

/** Whether the bed's controller runs. */
export function isControllerRunning(bed: Bed): Promise<boolean> {
  return isRunning(bed, 'controller');
}

/** Whether a URL answers with success. */
export async function answersOk(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
    await response.arrayBuffer();
    return response.ok;
  } catch (error) {
    // Not listening yet, or too slow to answer: both mean "ask again".
    if (error instanceof TypeError || (error instanceof DOMException && error.name === 'TimeoutError')) return false;
    throw error;
  }
}

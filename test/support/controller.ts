import { endProcess, runningIdentity, signalProcess, stopProcess } from '#hack/bed/process.ts';
import { startController as startProgram } from '#hack/commands/controller.ts';
import type { ControllerProcess } from '#hack/commands/controller.ts';
import { ensureClientPki } from '#hack/hosts/xen/pki.ts';
import { registerNodes } from '#hack/cluster/node.ts';
import { patchVifScripts, waitUntilHostsReady } from '#hack/commands/domainhosts.ts';
import type { TestHost } from '#hack/hosts/host.ts';
import { sharedBed, sharedCluster } from './bed.ts';

/** The real program, run against the shared cluster. */
export interface TestController extends ControllerProcess {
  /** SIGTERM; resolves when it is gone. */
  stop(): Promise<void>;
  /** SIGKILL; resolves when it is gone. start it again with startController() under the same name. */
  kill(): Promise<void>;
  /** SIGSTOP and SIGCONT. */
  pause(): Promise<void>;
  resume(): Promise<void>;
}

/** Starts the real controller; resolves when it is ready. `name` is its identity, its pid file and its log. */
export async function startController(
  options: { readonly name?: string; readonly args?: readonly string[] } = {},
): Promise<TestController> {
  const bed = await sharedBed();
  const cluster = await sharedCluster();
  const libvirtPki = await ensureClientPki(bed);
  const started = await startProgram(bed, cluster, { ...options, libvirtPki });
  const signal = async (name: NodeJS.Signals): Promise<void> => {
    const identity = await runningIdentity(bed, started.name);
    if (identity !== undefined) signalProcess(identity, name);
  };
  return {
    ...started,
    stop: () => stopProcess(bed, started.name, { graceMs: 20_000 }),
    kill: async () => {
      const identity = await runningIdentity(bed, started.name);
      if (identity !== undefined) await endProcess(identity, { signal: 'SIGKILL' });
    },
    pause: () => signal('SIGSTOP'),
    resume: () => signal('SIGCONT'),
  };
}

/** Creates the Nodes of hosts and waits until a running controller has made them Ready. */
export async function admitHosts(hosts: readonly TestHost[]): Promise<void> {
  const { kubectl } = await sharedCluster();
  await registerNodes(kubectl, hosts);
  await patchVifScripts(kubectl, hosts);
  await waitUntilHostsReady(kubectl, hosts, () => undefined);
}

import { join } from 'node:path';
import { createRestClient, loadKubeConfig } from '#controller/kube/index.ts';
import type { RestClient } from '#controller/kube/index.ts';
import { describeBed, openBed } from '#hack/bed/bed.ts';
import { withCleanup } from '#hack/bed/cleanup.ts';
import type { Cleanup } from '#hack/bed/cleanup.ts';
import { exclusively } from '#hack/bed/exclusive.ts';
import { freePort } from '#hack/cluster/ports.ts';
import { takeDown } from '#hack/commands/down.ts';
import { parseHosts } from '#hack/commands/hostlist.ts';
import { bringUp } from '#hack/commands/up.ts';
import type { RunningBed } from '#hack/commands/up.ts';

/** A bed of the bench's own, with a client of the administrator's. */
export interface BenchBed extends RunningBed {
  readonly client: RestClient;
}

/** What a bench's bed is to have. */
export interface BenchBedOptions {
  /** As in HOSTS=… */
  readonly hosts: string;
  /** With an ingress that serves examples/ingress.yaml. */
  readonly ingress?: boolean;
  /** With an API server that writes down when it was asked to create or delete EphemeralDomains. */
  readonly audit?: boolean;
}

/** Sets up a bed, measures, and takes all down, also on failure and Ctrl-C. */
export async function withBenchBed<T>(options: BenchBedOptions, measure: (bed: BenchBed) => Promise<T>): Promise<T> {
  const dir = join(import.meta.dirname, '..', '..', '.hatchery-bench');
  const described = await describeBed({ dir });
  const work = async (cleanup: Cleanup): Promise<T> => {
    // What an earlier bench left that was killed.
    await takeDown(described);
    const running = await bringUp(await openBed({ dir }), cleanup, {
      hosts: parseHosts(options.hosts),
      audit: options.audit,
      // Not the usual port: beds of several checkouts begin at the same time.
      ...(options.ingress === true ? { ingress: { port: await freePort() } } : {}),
    });
    const client = createRestClient(await loadKubeConfig({ kubeconfig: running.cluster.kubeconfig }));
    try {
      return await measure({ ...running, client });
    } finally {
      await client.close();
    }
  };
  return exclusively(described, 0, () => withCleanup('always', work));
}

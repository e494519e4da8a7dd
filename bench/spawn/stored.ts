import { EPHEMERAL_DOMAINS, isFinished } from '#controller/api/index.ts';
import type { RestClient } from '#controller/kube/index.ts';
import { waitFor } from '#hack/bed/process.ts';
import { momentsOf } from '#hack/commands/demo/view.ts';

/**
 * Milliseconds until each stored moment from the one before it, by its name, once the domain's end is stored. `ready` and
 * `responded` are the ingress' times, on the same machine's clock.
 */
export async function storedSpans(client: RestClient, domain: string): Promise<ReadonlyMap<string, number>> {
  const [namespace = '', name = ''] = domain.split('/');
  let timeline: Readonly<Record<string, string>> = {};
  const isStored = async (): Promise<boolean> => {
    const { status } = await client.get(EPHEMERAL_DOMAINS, { namespace, name });
    timeline = { ...status?.timeline };
    return isFinished(status?.phase);
  };
  await waitFor(`the end of ${domain} is stored`, isStored, { timeoutMs: 30_000, intervalMs: 50 });
  return new Map(momentsOf(timeline).map((moment) => [`until ${moment.name}`, moment.sinceLastMs]));
}

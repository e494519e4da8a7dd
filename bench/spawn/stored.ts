import { EPHEMERAL_DOMAINS, isFinished } from '#controller/api/index.ts';
import type { Timeline } from '#controller/api/index.ts';
import type { RestClient } from '#controller/kube/index.ts';
import { timeOf } from '#controller/lifecycle/time.ts';
import { waitFor } from '#hack/bed/process.ts';

/** What the controller stores of a request's domain, in the order in which it happens. */
const MARKS = ['created', 'scheduled', 'domainRequested', 'domainStarted', 'ready', 'responded', 'stopped'] as const;

/**
 * Milliseconds between one stored time and the next, by `FROM -> TO`, once the domain's end is stored. `ready` and
 * `responded` are the ingress' times, on the same machine's clock.
 */
export async function storedSpans(client: RestClient, domain: string): Promise<ReadonlyMap<string, number>> {
  const [namespace = '', name = ''] = domain.split('/');
  let timeline: Timeline = {};
  const isStored = async (): Promise<boolean> => {
    const { status } = await client.get(EPHEMERAL_DOMAINS, { namespace, name });
    timeline = status?.timeline ?? {};
    return isFinished(status?.phase);
  };
  await waitFor(`the end of ${domain} is stored`, isStored, { timeoutMs: 30_000, intervalMs: 50 });
  const spans = new Map<string, number>();
  for (const [index, to] of MARKS.entries()) {
    const from = MARKS[index - 1];
    if (from === undefined) continue;
    const [begun, ended] = [timeOf(timeline[from]), timeOf(timeline[to])];
    if (begun !== undefined && ended !== undefined) spans.set(`${from} -> ${to}`, ended - begun);
  }
  return spans;
}

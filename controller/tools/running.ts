import { EPHEMERAL_DOMAINS, isFinished, Phase } from '#controller/api/index.ts';
import type { EphemeralDomain } from '#controller/api/index.ts';
import { isKubeError, keyOf } from '#controller/kube/index.ts';
import type { KubeErrorKind, RestClient } from '#controller/kube/index.ts';
import { askApiServer } from './ask.ts';
import { ToolFault } from './fault.ts';

/** How often it is looked, ms: a right to watch is not asked for. */
const LOOK_MS = { first: 250, most: 1_000 };

/** An API server that is away, or busy, for a while ends no waiting. */
const PASSING: readonly KubeErrorKind[] = [
  ...(['transport', 'timeout', 'server-timeout', 'unavailable', 'internal', 'too-many-requests'] as const),
];

export interface Waiting {
  /** Says in a line why it still waits; told again when that changes. */
  readonly tell: (line: string) => void;
  readonly sleep: (ms: number) => Promise<void>;
}

/**
 * Waits until a resource's domain runs, or the resource has ended; for as long as that takes. Throws ToolFault where the
 * resource is deleted meanwhile, or may not be read.
 */
export async function untilRunning(
  client: Pick<RestClient, 'get'>,
  first: EphemeralDomain,
  { tell, sleep }: Waiting,
): Promise<EphemeralDomain> {
  const key = keyOf(first.metadata);
  let told: string | undefined;
  let resource = first;
  for (let pause = LOOK_MS.first; !hasConsole(resource); pause = Math.min(pause * 2, LOOK_MS.most)) {
    const line = whyItWaits(resource);
    if (line !== told) tell(line);
    told = line;
    await sleep(pause);
    resource = (await lookAgain(client, resource, key)) ?? resource;
  }
  return resource;
}

function hasConsole({ status }: EphemeralDomain): boolean {
  return status?.phase === Phase.Running || isFinished(status?.phase);
}

function whyItWaits({ metadata, status }: EphemeralDomain): string {
  const { phase = 'Pending', reason, message } = status ?? {};
  const why = [phase, reason, message].filter((word) => word !== undefined && word !== '').join(': ');
  return `waits until ${keyOf(metadata)} runs (${why})`;
}

/** undefined: the API server is away for a while. */
async function lookAgain(
  client: Pick<RestClient, 'get'>,
  { metadata }: EphemeralDomain,
  key: string,
): Promise<EphemeralDomain | undefined> {
  const found = await askApiServer(`EphemeralDomain ${key} any more`, async () => {
    try {
      return await client.get(EPHEMERAL_DOMAINS, metadata);
    } catch (error) {
      if (isKubeError(error, ...PASSING)) return undefined;
      throw error;
    }
  });
  if (found === undefined || found.metadata.uid === metadata.uid) return found;
  throw new ToolFault(`${key} was deleted, and another was made under its name: ask again for that one`);
}

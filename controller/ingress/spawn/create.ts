import { EPHEMERAL_DOMAINS, RequestLabel } from '#controller/api/index.ts';
import type { EphemeralDomain } from '#controller/api/index.ts';
import { isKubeError, sleep } from '#controller/kube/index.ts';
import type { Clock, KubeError, NewObject, RestClient } from '#controller/kube/index.ts';

export type Creation =
  | { readonly kind: 'created'; readonly resource: EphemeralDomain }
  | { readonly kind: 'refused'; readonly error: KubeError }
  /** Nobody wants it any more, and whether it was made is not known. */
  | { readonly kind: 'in-doubt'; readonly error: KubeError }
  /** Nobody wants it any more, and it was not made. */
  | { readonly kind: 'not-created'; readonly error: KubeError | undefined };

/** One try, ms. */
const TRY_MS = 3_000;
const PAUSE_MS = { first: 20, most: 1_000 } as const;

/**
 * Creates the resource, and says so again under the same name while the answer stays away: whoever holds that name then is
 * this very one. Ends when `isWanted` says no, after the try that is under way. Throws what is no KubeError.
 */
export async function createResource(
  rest: Pick<RestClient, 'create' | 'get'>,
  body: NewObject<EphemeralDomain>,
  clock: Clock,
  isWanted: () => boolean,
): Promise<Creation> {
  let doubt: KubeError | undefined;
  let last: KubeError | undefined;
  for (let pause: number = PAUSE_MS.first; isWanted(); pause = Math.min(pause * 2, PAUSE_MS.most)) {
    try {
      const resource = await rest.create(EPHEMERAL_DOMAINS, body, { timeoutMs: TRY_MS });
      return { kind: 'created', resource };
    } catch (error) {
      if (!isKubeError(error)) throw error;
      last = error;
      if (error.mayHaveRun) doubt = error;
      if (error.kind === 'already-exists') {
        const holder = await holderOf(rest, body);
        if (holder === 'another') return { kind: 'refused', error };
        if (holder !== 'unknown') return { kind: 'created', resource: holder };
      } else if (!mayPass(error)) return { kind: 'refused', error };
      await sleep(clock, Math.max(pause, (error.retryAfterSeconds ?? 0) * 1_000));
    }
  }
  return doubt === undefined ? { kind: 'not-created', error: last } : { kind: 'in-doubt', error: doubt };
}

/** What holds the name, where it is what was asked for. */
async function holderOf(
  rest: Pick<RestClient, 'get'>,
  { metadata, spec }: NewObject<EphemeralDomain>,
): Promise<EphemeralDomain | 'another' | 'unknown'> {
  try {
    const ref = { name: metadata.name ?? '', namespace: metadata.namespace };
    const found = await rest.get(EPHEMERAL_DOMAINS, ref, { timeoutMs: TRY_MS });
    return isSame(found, spec, metadata.labels?.[RequestLabel.Replica]) ? found : 'another';
  } catch (error) {
    if (isKubeError(error)) return 'unknown';
    throw error;
  }
}

function isSame({ metadata, spec }: EphemeralDomain, wanted: EphemeralDomain['spec'], replica: string | undefined) {
  return (
    metadata.labels?.[RequestLabel.Replica] === replica &&
    spec.request?.receivedTime === wanted.request?.receivedTime &&
    spec.request?.notify?.token === wanted.request?.notify?.token
  );
}

/** Whether the same once more may go well: nothing is wrong with what was asked. */
function mayPass({ kind }: KubeError): boolean {
  switch (kind) {
    case 'transport':
    case 'timeout':
    case 'malformed':
    case 'server-timeout':
    case 'unavailable':
    case 'internal':
    case 'too-many-requests':
    case 'overloaded':
    case 'credentials':
      return true;
    case 'already-exists':
    case 'not-found':
    case 'conflict':
    case 'gone':
    case 'bad-request':
    case 'unauthorized':
    case 'forbidden':
    case 'too-large':
    case 'invalid':
    case 'aborted':
    case 'not-leading':
      return false;
  }
}

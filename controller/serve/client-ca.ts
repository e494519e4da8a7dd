import { CONFIG_MAPS, isKubeError, sleep } from '#controller/kube/index.ts';
import type { Clock, KubeLogger, RestClient } from '#controller/kube/index.ts';

/** Where kube-apiserver publishes the authority that signs the cluster's client certificates. */
export const AUTHENTICATION = { namespace: 'kube-system', name: 'extension-apiserver-authentication' } as const;
const KEY = 'client-ca-file';

export interface ClientCaParts {
  readonly client: RestClient;
  readonly clock: Clock;
  readonly logger: KubeLogger;
  readonly signal: AbortSignal;
  /** Another authority than before; undefined: there is none (any more), so no certificate counts. */
  readonly changed: (ca: string | undefined) => void;
  readonly everyMs?: number | undefined;
}

const EVERY_MS = 30_000;
const RETRY_MS = 2_000;

/** Follows the cluster's client CA until the signal aborts. While it cannot be read, what was read last holds. */
export async function followClientCa(parts: ClientCaParts): Promise<void> {
  const { client, clock, logger, signal, changed } = parts;
  let known: string | undefined;
  while (!signal.aborted) {
    let pause = parts.everyMs ?? EVERY_MS;
    try {
      const ca = await readClientCa(client, signal);
      if (ca !== known) changed(ca);
      known = ca;
    } catch (error) {
      if (!isKubeError(error)) throw error;
      pause = RETRY_MS;
      if (!isAborted(signal)) logger.warn("The cluster's client CA cannot be read", { ...AUTHENTICATION, error });
    }
    await sleep(clock, pause, signal);
  }
}

async function readClientCa(client: RestClient, signal: AbortSignal): Promise<string | undefined> {
  try {
    const { data } = await client.get(CONFIG_MAPS, AUTHENTICATION, { signal, timeoutMs: 10_000 });
    const ca = data?.[KEY] ?? '';
    return ca.trim() === '' ? undefined : ca;
  } catch (error) {
    if (isKubeError(error, 'not-found')) return undefined;
    throw error;
  }
}

function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}

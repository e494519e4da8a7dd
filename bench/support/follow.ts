import { EPHEMERAL_DOMAINS } from '#controller/api/index.ts';
import type { EphemeralDomain } from '#controller/api/index.ts';
import type { RestClient, WatchEvent } from '#controller/kube/index.ts';
import { isEnded, recordEvent } from './lives.ts';
import type { Lives } from './lives.ts';

/** What a watch of our own has seen so far. */
export interface Following {
  readonly lives: Lives;
  readonly ended: () => number;
  stop(): Promise<void>;
}

/** Follows what becomes of every EphemeralDomain from now on. */
export async function follow(client: RestClient, limitMs: number): Promise<Following> {
  const lives: Lives = new Map();
  const stop = await watchDomains(client, limitMs, (event) => recordEvent(lives, event, performance.now()));
  return { lives, ended: () => [...lives.values()].filter(isEnded).length, stop };
}

/**
 * Watches every EphemeralDomain from now on, over a connection of its own; each version of each is seen. Resolves with
 * what ends the watch, and tells then of what ended it before.
 */
export async function watchDomains(
  client: RestClient,
  limitMs: number,
  onEvent: (event: WatchEvent<EphemeralDomain>) => void,
): Promise<() => Promise<void>> {
  const abort = new AbortController();
  const { resourceVersion } = await client.list(EPHEMERAL_DOMAINS);
  const timeoutSeconds = Math.ceil(limitMs / 1000);
  const stream = await client.watch(EPHEMERAL_DOMAINS, { resourceVersion, timeoutSeconds, signal: abort.signal });
  const watching = (async () => {
    try {
      for await (const events of stream) for (const event of events) onEvent(event);
    } catch (error) {
      if (!abort.signal.aborted) throw error;
    }
  })();
  return async () => {
    abort.abort();
    await watching;
  };
}

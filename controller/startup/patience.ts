import { isKubeError, sleep } from '#controller/kube/index.ts';
import type { Clock, KubeErrorKind, KubeLogger, Random } from '#controller/kube/index.ts';

import { StartFault } from './fault.ts';

/** How to wait for an API server that does not answer. */
export interface Patience {
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: KubeLogger;
}

/** What passes by itself: the server is down, starts, or has too much to do. */
const PASSING: readonly KubeErrorKind[] = [
  'transport',
  'timeout',
  'server-timeout',
  'unavailable',
  'internal',
  'too-many-requests',
  'malformed',
  'overloaded',
  'credentials',
];

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 10_000;

/** Thrown where the wait was broken off by the signal. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

/**
 * Makes a call until the API server answers it, with back-off and a log line each time that it does not. Any other failure
 * is thrown; credentials that the server does not know are a StartFault, an aborted signal is Interrupted.
 */
export const patiently = async <T>(
  { signal, clock, random, logger }: Patience,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> => {
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)) {
    try {
      return await call(signal);
    } catch (error) {
      if (signal.aborted) throw new Interrupted('told to end', { cause: error });
      if (isKubeError(error, 'unauthorized')) {
        throw new StartFault(`the API server at ${error.host} does not know these credentials; check the kubeconfig`);
      }
      if (!isKubeError(error, ...PASSING)) throw error;
      const retryInMs = Math.round(waitMs * (0.5 + random() / 2));
      logger.warn('API server does not answer', { server: error.host, retryInMs, error });
      await sleep(clock, retryInMs, signal);
    }
  }
};

import { EPHEMERAL_DOMAINS } from '#controller/api/index.ts';
import { isKubeError, sleep } from '#controller/kube/index.ts';
import type { Clock, KubeLogger, ObjectRef, RestClient } from '#controller/kube/index.ts';

const TRY_MS = 3_000;
const PAUSE_MS = { first: 50, most: 2_000 } as const;
/** After that the resource's own activeDeadlineSeconds have to do. */
const GIVE_UP_MS = 60_000;

export interface RemoverParts {
  readonly rest: Pick<RestClient, 'delete'>;
  readonly clock: Clock;
  readonly logger: KubeLogger;
}

/**
 * Deletes an EphemeralDomain, of this UID where one is given, and says so again while the API server does not answer;
 * resolves with whether it is known to be deleted. Rejects only with what is no KubeError.
 */
export async function removeResource(
  { rest, clock, logger }: RemoverParts,
  ref: ObjectRef,
  uid: string | undefined,
): Promise<boolean> {
  const begun = clock.now();
  for (let pause: number = PAUSE_MS.first; ; pause = Math.min(pause * 2, PAUSE_MS.most)) {
    try {
      const preconditions = uid === undefined ? undefined : { uid };
      await rest.delete(EPHEMERAL_DOMAINS, ref, { timeoutMs: TRY_MS, preconditions });
      return true;
    } catch (error) {
      if (!isKubeError(error)) throw error;
      // Another under its name: ours is gone.
      if (error.kind === 'not-found' || error.kind === 'conflict') return true;
      if (clock.now() - begun >= GIVE_UP_MS || error.kind === 'forbidden') {
        const { namespace, name } = ref;
        logger.error('A request’s EphemeralDomain cannot be deleted', { namespace, name, error });
        return false;
      }
      await sleep(clock, Math.max(pause, (error.retryAfterSeconds ?? 0) * 1_000));
    }
  }
}

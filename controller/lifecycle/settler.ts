import { HostReason } from '#controller/api/index.ts';
import { sleep } from '#controller/kube/index.ts';
import type { Clock, KubeLogger } from '#controller/kube/index.ts';
import { HostFault, POOL_NAME } from './pool.ts';
import { isCurrent } from './session.ts';
import type { Session } from './session.ts';

export interface SettlerParts {
  readonly host: string;
  readonly clock: Clock;
  readonly logger: KubeLogger;
  /** Does once what comes first on a session, and after its image pool was lost. */
  readonly settle: (session: Session) => Promise<void>;
  readonly notReady: (reason: string, message: string) => void;
}

const RETRY_MS = { min: 500, max: 10_000 };
/** A pool that is lost again so soon is made again only after a pause, which grows from loss to loss. */
const LOST_AGAIN_MS = 60_000;

/** Does what comes first on each session of a host, and again when its image pool is lost, until it succeeds. */
export class Settler {
  readonly #parts: SettlerParts;
  /** The session that is being settled. */
  #under: Session | undefined;
  #signal: AbortSignal = AbortSignal.abort();
  /** Monotonic ms of the last loss of the pool, and how many came soon after one another. */
  #losses = { at: -Infinity, inRow: 0 };

  constructor(parts: SettlerParts) {
    this.#parts = parts;
  }

  async connected(session: Session, signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    this.#parts.notReady(HostReason.Settling, 'it answers; its domains are being listed and settled');
    await this.#untilSettled(session, 0);
  }

  /** The image pool is gone from the host of a session that was settled: the host is settled anew. */
  async poolLost(session: Session, why: string): Promise<void> {
    if (this.#under === session || !isCurrent(session)) return;
    const { host, clock, logger, notReady } = this.#parts;
    const now = clock.now();
    const inRow = now - this.#losses.at < LOST_AGAIN_MS ? this.#losses.inRow + 1 : 0;
    this.#losses = { at: now, inRow };
    logger.warn('The image pool of a host is gone; the host is settled anew', { host, why });
    notReady(
      HostReason.ImagePoolLost,
      `the storage pool ${POOL_NAME} is gone from it, and is being made again: ${why}`,
    );
    await this.#untilSettled(session, inRow === 0 ? 0 : Math.min(RETRY_MS.min * 2 ** inRow, RETRY_MS.max));
  }

  /** One at a time for a session. Whatever goes wrong: one host's trouble must not end the others. */
  async #untilSettled(session: Session, firstPause: number): Promise<void> {
    const { clock } = this.#parts;
    const signal = this.#signal;
    this.#under = session;
    if (firstPause > 0) await sleep(clock, firstPause, signal);
    for (let pause = RETRY_MS.min; !signal.aborted && isCurrent(session); pause = Math.min(pause * 2, RETRY_MS.max)) {
      if (await this.#settled(session)) break;
      await sleep(clock, pause, signal);
    }
    if (this.#under === session) this.#under = undefined;
  }

  async #settled(session: Session): Promise<boolean> {
    const { host, logger, settle, notReady } = this.#parts;
    try {
      await settle(session);
      return true;
    } catch (error) {
      if (!isCurrent(session)) return true;
      notReady(
        error instanceof HostFault ? error.reason : 'Settling',
        error instanceof Error ? error.message : String(error),
      );
      logger.warn('A host cannot be used yet', { host, error });
      return false;
    }
  }
}

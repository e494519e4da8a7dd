import type { Clock, Random } from './clock.ts';
import type { KubeLogger } from './logger.ts';
import type { KubeMetrics } from './metrics.ts';
import type { RestClient } from './rest-client.ts';

/** stopped: the run's signal; expired: not renewed in time; replaced: taken by another, or by another process of our name. */
export type LeaseEnd = 'stopped' | 'expired' | 'replaced';

export interface LeaseOptions {
  readonly client: RestClient;
  readonly namespace: string;
  readonly name: string;
  /** Who we are; started again under the same identity, a process takes its lease back at once. */
  readonly identity: string;
  /** Default 15,000, 10,000 and 2,000. */
  readonly durationMs?: number;
  readonly renewDeadlineMs?: number;
  readonly retryPeriodMs?: number;
  readonly annotations?: Readonly<Record<string, string>>;
  /**
   * Leadership begins. `signal` aborts on stop and on loss; the promise is awaited (for drainTimeoutMs after that), and the
   * lease held and renewed meanwhile unless it is lost. What it rejects with, run() rejects with.
   */
  readonly onStartedLeading?: (signal: AbortSignal) => void | Promise<void>;
  /** Default 30,000. */
  readonly drainTimeoutMs?: number;
  readonly onStoppedLeading?: (why: LeaseEnd) => void;
  readonly onNewLeader?: (identity: string) => void;
  readonly logger?: KubeLogger;
  readonly metrics?: KubeMetrics;
  readonly clock?: Clock;
  readonly random?: Random;
}

export interface Lease {
  /**
   * Waits for the lease, holds it, and resolves when it is over: lost ('expired', 'replaced': make a new one to stand
   * again) or the signal aborted ('stopped': given up once onStartedLeading's promise has ended). Call once.
   */
  run(signal: AbortSignal): Promise<LeaseEnd>;
  /** Whether something may be sent now: held, and before the renew deadline by the monotonic clock. */
  isHeld(): boolean;
  /** Aborts when nothing more may be sent: at the renew deadline, on loss, and when given up. Give it to each call. */
  readonly signal: AbortSignal;
  /** Last holder seen. */
  readonly holder: string | undefined;
}

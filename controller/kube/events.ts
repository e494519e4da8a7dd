import type { Clock, Random } from './clock.ts';
import type { KubeLogger } from './logger.ts';
import type { KubeMetrics } from './metrics.ts';
import type { RestClient } from './rest-client.ts';
import type { KubeObject, ResourceType } from './types.ts';

export type EventType = 'Normal' | 'Warning';

export interface EventRecorderOptions {
  readonly client: RestClient;
  /** Shown in kubectl's From column: source.component and reportingComponent. */
  readonly component: string;
  /** reportingInstance, e.g. the identity. */
  readonly instance: string;
  /** Events waiting to be sent; one more is dropped and counted. Default 4,096. */
  readonly maxQueued?: number;
  readonly logger?: KubeLogger;
  readonly metrics?: KubeMetrics;
  readonly clock?: Clock;
  readonly random?: Random;
}

/** Records events (core/v1) by and by, with client-go's aggregation and spam bucket. Best effort: never throws. */
export interface EventRecorder {
  event<T extends KubeObject>(
    about: ResourceType<T>,
    object: T,
    type: EventType,
    reason: string,
    message: string,
  ): void;
  /** Stops taking events and sends what waits, for at most so long. Resolves with the number left unsent. */
  stop(timeoutMs: number): Promise<number>;
}

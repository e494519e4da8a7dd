import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Worker } from 'node:worker_threads';

import type { Clock, KubeLogger } from '#controller/kube/index.ts';
import type { FrontOptions } from '../proxy/index.ts';
import type { OwnCrowd } from './visitors.ts';

type Handle = FrontOptions['handle'];

/** What a warm-up is made of. */
export interface WarmUpParts {
  /** How many visitors come; 0: none. */
  readonly visitors: number;
  /** What they ask for. Nobody else knows it, and it is served while they come and not after. */
  readonly host: string;
  /** Refuses them. */
  readonly refuse: Handle;
  /** Serves all others. */
  readonly serve: Handle;
  readonly clock: Clock;
  readonly logger: KubeLogger;
}

/**
 * Has a process refuse a crowd of its own before it says that it is ready. Until V8 has compiled what a crowd takes, one
 * waits three times as long, and a replica that is added is added because of a crowd. The visitors come over TCP to the
 * front that all others come to, and are refused by the same queue: at another front V8 compiled what it then had to
 * compile anew.
 */
export interface WarmUp {
  readonly handle: Handle;
  isUnderway(): boolean;
  /** Resolves when all were refused, when it takes too long, or when the signal aborts; never rejects. Once alone. */
  run(front: AddressInfo, stop: AbortSignal): Promise<void>;
}

const AT_ONCE = 500;
/** A process that is not warm serves too. */
const LONGEST_MS = 15_000;

export const createWarmUp = ({ visitors, host, refuse, serve, clock, logger }: WarmUpParts): WarmUp => {
  let state: 'to-come' | 'underway' | 'over' = visitors === 0 ? 'over' : 'to-come';
  const come = async (crowd: OwnCrowd, stop: AbortSignal): Promise<void> => {
    stop.throwIfAborted();
    const worker = new Worker(new URL('./visitors.ts', import.meta.url), { workerData: crowd });
    // Waited for below; one that comes once nobody waits is of no use.
    worker.on('error', () => undefined);
    const late = new AbortController();
    const timer = clock.after(LONGEST_MS, () => late.abort(new Error(`it takes longer than ${LONGEST_MS} ms`)));
    try {
      await once(worker, 'exit', { signal: AbortSignal.any([stop, late.signal]) });
    } finally {
      timer.cancel();
      await worker.terminate();
    }
  };
  return {
    isUnderway: () => state === 'underway',
    handle: (exchange) => (state === 'underway' && exchange.head.authority === host ? refuse : serve)(exchange),
    run: async (front, stop) => {
      if (state !== 'to-come') return;
      state = 'underway';
      const began = clock.now();
      try {
        await come({ address: reachable(front), port: front.port, host, visitors, atOnce: AT_ONCE }, stop);
        logger.info('The ingress is warm', { visitors, ms: Math.round(clock.now() - began) });
      } catch (error) {
        if (!stop.aborted) logger.warn('The ingress could not warm up, and serves all the same', { error });
      } finally {
        state = 'over';
      }
    },
  };
};

/** Where a listener is found by its own machine. */
const reachable = ({ address }: AddressInfo): string => {
  if (address === '::') return '::1';
  return address === '0.0.0.0' ? '127.0.0.1' : address;
};

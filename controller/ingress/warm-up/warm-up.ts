import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Worker } from 'node:worker_threads';

import type { Clock, KubeLogger } from '#controller/kube/index.ts';
import type { FrontOptions } from '../proxy/index.ts';
import type { StandIn } from '../spawn/index.ts';
import type { BootToken, GuestPort, OwnCrowd } from './visitors.ts';

type Handle = FrontOptions['handle'];

/** What a warm-up is made of. */
export interface WarmUpParts {
  /** How many visitors come; 0: none. */
  readonly visitors: number;
  /** What they ask for. Nobody else knows them, and they are served while they come and not after. */
  readonly hosts: OwnCrowd['hosts'];
  /** Refuses most of them. */
  readonly refuse: Handle;
  /** Serves the others, by guests of this. */
  readonly hatch: Handle;
  readonly standIn: Pick<StandIn, 'open' | 'close'>;
  /** Where guests say that they are ready. */
  readonly notify: AddressInfo;
  /** Serves who comes from elsewhere. */
  readonly serve: Handle;
  readonly clock: Clock;
  readonly logger: KubeLogger;
}

/**
 * Has a process answer a crowd of its own before it says that it is ready. Until V8 has compiled what a crowd takes, one
 * waits three times as long, and a replica that is added is added because of a crowd. The visitors come over TCP to the
 * front that all others come to, and most are refused by the same queue: at another front V8 compiled what it then had to
 * compile anew. Some are served, by guests that stand in for domains, which keep no place from anybody else.
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

export const createWarmUp = (parts: WarmUpParts): WarmUp => {
  const { visitors, hosts, standIn, clock, logger } = parts;
  const own = new Map([
    [hosts.full, parts.refuse],
    [hosts.roomy, parts.hatch],
  ]);
  let state: 'to-come' | 'underway' | 'over' = visitors === 0 ? 'over' : 'to-come';
  const come = async (front: AddressInfo, stop: AbortSignal): Promise<void> => {
    stop.throwIfAborted();
    const crowd: OwnCrowd = {
      front: reachable(front),
      notify: reachable(parts.notify),
      hosts,
      visitors,
      atOnce: AT_ONCE,
    };
    const worker = new Worker(new URL('./visitors.ts', import.meta.url), { workerData: crowd });
    worker.once('message', (port: GuestPort) => {
      standIn.open({ port, boot: (token: BootToken) => worker.postMessage(token) });
      worker.postMessage('come');
    });
    // Waited for below; one that comes once nobody waits is of no use.
    worker.on('error', () => undefined);
    const late = new AbortController();
    const timer = clock.after(LONGEST_MS, () => late.abort(new Error(`it takes longer than ${LONGEST_MS} ms`)));
    try {
      await once(worker, 'exit', { signal: AbortSignal.any([stop, late.signal]) });
    } finally {
      timer.cancel();
      await worker.terminate();
      standIn.close();
    }
  };
  return {
    isUnderway: () => state === 'underway',
    handle: (exchange) => {
      const handle = state === 'underway' ? own.get(exchange.head.authority) : undefined;
      return (handle ?? parts.serve)(exchange);
    },
    run: async (front, stop) => {
      if (state !== 'to-come') return;
      state = 'underway';
      const began = clock.now();
      try {
        await come(front, stop);
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
const reachable = ({ address, port }: AddressInfo): OwnCrowd['front'] => {
  if (address === '::') return { address: '::1', port };
  return { address: address === '0.0.0.0' ? '127.0.0.1' : address, port };
};

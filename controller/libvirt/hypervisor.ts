import type { Hypervisor } from './api.ts';
import type { Caller } from './caller.ts';
import { createDomainCalls } from './calls-domain.ts';
import { createNodeCalls } from './calls-node.ts';
import { createStorageCalls } from './calls-storage.ts';
import { systemClock } from './clock.ts';
import { openConsole } from './console.ts';
import { Keeper } from './keeper.ts';
import type { OpenSettings } from './open.ts';
import type { ConnectOptions, Timeouts } from './types.ts';
import { volUpload } from './upload.ts';
import { parseUri } from './uri.ts';

const TIMEOUTS: Timeouts = {
  connectMs: 10_000,
  openMs: 10_000,
  controlMs: 30_000,
  slowMs: 120_000,
  streamMs: 60_000,
  leaveMs: 5_000,
};
const KEEP_ALIVE = { intervalMs: 1_500, misses: 4 };
const BACKOFF = { minMs: 10, maxMs: 5_000 };
const MAX_QUEUED = 1_024;

/**
 * Holds one daemon connected until close(). Never rejects for a daemon that is down: it goes on trying, with jittered
 * exponential back-off.
 *
 * @throws LibvirtUriError for a URI that is not accepted, TypeError for a TLS URI without credentials
 */
export const connect = (options: ConnectOptions): Hypervisor => {
  const settings = settingsOf(options);
  const keeper = new Keeper(settings, {
    backoff: options.backoff ?? BACKOFF,
    random: options.random ?? Math.random,
    onObserverError: options.onObserverError ?? warn,
  });
  if (options.observer !== undefined) keeper.observe(options.observer);
  const { timeouts } = settings;
  const call: Caller = (procedure, write, read, callOptions) =>
    keeper.call(procedure, write, read, {
      timeoutMs: callOptions?.timeoutMs ?? (procedure.lane === 'slow' ? timeouts.slowMs : timeouts.controlMs),
      sendBefore: callOptions?.sendBefore,
    });
  keeper.start();
  return {
    uri: settings.uri.text,
    get session() {
      return keeper.session;
    },
    observe: (observer) => keeper.observe(observer),
    connected: (timeoutMs) => keeper.connected(timeoutMs),
    close: () => keeper.close(),
    ...createNodeCalls(call),
    ...createDomainCalls(call),
    ...createStorageCalls(call),
    volUpload: (volume, source, callOptions) => volUpload(settings, keeper, volume, source, callOptions),
    openConsole: (domain, console, callOptions) => openConsole(settings, keeper, domain, console ?? {}, callOptions),
  };
};

const settingsOf = (options: ConnectOptions): OpenSettings => {
  const uri = typeof options.uri === 'string' ? parseUri(options.uri) : options.uri;
  if (uri.endpoint.transport === 'tls' && options.tls === undefined) {
    throw new TypeError(`${uri.text}: a TLS connection needs credentials (ca, cert, key)`);
  }
  return {
    uri,
    tls: options.tls,
    clock: options.clock ?? systemClock,
    timeouts: { ...TIMEOUTS, ...options.timeouts },
    maxQueued: options.maxQueued ?? MAX_QUEUED,
    maySend: options.maySend,
    keepAlive: options.keepAlive ?? KEEP_ALIVE,
  };
};

const warn = (error: unknown): void => {
  process.emitWarning(error instanceof Error ? error : new Error(String(error)));
};

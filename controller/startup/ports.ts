import { hostname } from 'node:os';

import { codeOf, ConfigError } from '#controller/config/index.ts';
import type { ControllerConfig, ListenAddress, ReadFile } from '#controller/config/index.ts';
import { systemClock } from '#controller/kube/index.ts';
import type { ClientConfig, KubeLogger } from '#controller/kube/index.ts';
import { startNotifyServer } from '#controller/notify/index.ts';
import type { NotifyServer } from '#controller/notify/index.ts';
import { startObserveServer } from '#controller/observe/index.ts';
import type { ObserveServer, ObserveServerOptions } from '#controller/observe/index.ts';
import { servingCertificate } from './https.ts';
import { openHttpsPort } from './https-port.ts';
import type { HttpsPort } from './https-port.ts';

export interface PortsParts {
  readonly config: ControllerConfig;
  readonly kubeConfig: ClientConfig;
  /** What metrics and probes tell. */
  readonly told: Pick<ObserveServerOptions, 'registries' | 'alive' | 'ready'>;
  readonly userAgent: string;
  readonly readFile: ReadFile;
  readonly logger: KubeLogger;
  readonly signal: AbortSignal;
}

/** Where this process is reached: open from its start to its end, in every term and between them. */
export interface Ports {
  /** For metrics and probes. */
  readonly observe: ObserveServer;
  /** For guests: who does not lead says so to them. Undefined: there is to be none. */
  readonly notify: NotifyServer | undefined;
  /** For people: consoles. For the ingress: when its guests were ready. */
  readonly https: HttpsPort;
  /** Closes all of them, once nothing acts any more. */
  close(): Promise<void>;
}

/** Opens them. Rejects with ConfigError for an address that cannot be had, or a certificate that will not do. */
export const openPorts = async (parts: PortsParts): Promise<Ports> => {
  const { config, logger } = parts;
  const certificate = await servingCertificate(config, hostname(), parts.readFile);
  const observe = await listen('metrics-address', config.metricsAddress, (address) => {
    const onError = (error: unknown): void => logger.warn('A request for metrics or a probe failed', { error });
    return startObserveServer({ ...parts.told, address, onError });
  });
  const notify = await listenToGuests(config, logger);
  const https = await listen('https-address', config.httpsAddress, () => openHttpsPort({ ...parts, certificate }));
  return {
    observe,
    notify,
    https,
    close: async () => {
      await https.close();
      await notify?.close();
      await observe.close();
    },
  };
};

const listenToGuests = async (config: ControllerConfig, logger: KubeLogger): Promise<NotifyServer | undefined> => {
  const { notifyAddress, notifyAdvertise: advertise } = config;
  if (notifyAddress === undefined) return undefined;
  const now = (): number => systemClock.now();
  return listen('notify-address', notifyAddress, (address) => startNotifyServer({ address, advertise, logger, now }));
};

/** Opens a port that an option names. Rejects with ConfigError, which names the option, for an address that cannot be had. */
export const listen = async <T>(
  option: string,
  address: ListenAddress,
  open: (address: ListenAddress) => Promise<T>,
): Promise<T> => {
  try {
    return await open(address);
  } catch (error) {
    const { host = '', port } = address;
    throw new ConfigError(`${option}: cannot listen on ${host}:${port} (${codeOf(error)})`, { cause: error });
  }
};

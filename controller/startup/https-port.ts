import { hostname } from 'node:os';

import { LEASE_NAME } from '#controller/api/index.ts';
import type { ControllerConfig } from '#controller/config/index.ts';
import { createRestClient, systemClock } from '#controller/kube/index.ts';
import type { ClientConfig, KubeLogger } from '#controller/kube/index.ts';
import type { ConsoleSource, PresenceSource, TimelineSink } from '#controller/lifecycle/index.ts';
import {
  Callers,
  consoleRoute,
  followClientCa,
  presenceRoute,
  startHttpsServer,
  timelineRoute,
} from '#controller/serve/index.ts';
import type { ServingCertificate } from '#controller/serve/index.ts';
import { leaseAnnotations } from './https.ts';

export interface HttpsPortParts {
  readonly config: ControllerConfig;
  readonly kubeConfig: ClientConfig;
  readonly certificate: ServingCertificate;
  readonly userAgent: string;
  readonly logger: KubeLogger;
  readonly signal: AbortSignal;
}

/** The program's HTTPS port: there from its start, of use while it leads. */
export interface HttpsPort {
  /** Where it listens. */
  readonly port: number;
  /** What the Lease says while this process holds it. */
  readonly annotations: Readonly<Record<string, string>>;
  /** The controller that acts here; undefined while none does. */
  acting: (ConsoleSource & PresenceSource & TimelineSink) | undefined;
  close(): Promise<void>;
}

/** Questions about callers go over connections of their own: strangers who ask much must not hold up the controller. */
const ASKING = { connections: 2, maxPending: 64, timeoutMs: 10_000 } as const;

/** Opens it. Rejects with the system's error where the address cannot be listened on. */
export const openHttpsPort = async (parts: HttpsPortParts): Promise<HttpsPort> => {
  const { config, certificate, logger, userAgent } = parts;
  const client = createRestClient(parts.kubeConfig, { ...ASKING, userAgent });
  const callers = new Callers(client, () => systemClock.now());
  const lease = { namespace: config.namespace, name: LEASE_NAME };
  const acting = (): HttpsPort['acting'] => opened.acting;
  const server = await startHttpsServer({
    address: config.httpsAddress,
    certificate,
    callers,
    routes: {
      console: consoleRoute({ callers, source: acting, lease }),
      timeline: timelineRoute({ callers, sink: acting, lease }),
      presence: presenceRoute({ callers, source: acting, lease }),
    },
    onError: (error) => logger.warn('A request over HTTPS failed', { error }),
  });
  const ended = new AbortController();
  const following = followClientCa({
    client,
    clock: systemClock,
    logger,
    signal: AbortSignal.any([parts.signal, ended.signal]),
    changed: (ca) => server.trustClients(ca),
  });
  const { port } = server.address;
  const opened: HttpsPort = {
    port,
    annotations: leaseAnnotations(config, hostname(), port, certificate),
    acting: undefined,
    close: async () => {
      ended.abort();
      await server.close();
      await following;
      await client.close();
    },
  };
  return opened;
};

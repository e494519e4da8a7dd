import { request } from 'node:https';

import { createRestClient, loadKubeConfig, silentLogger, systemClock } from '#controller/kube/index.ts';
import { Callers, followClientCa, selfSigned, startHttpsServer } from '#controller/serve/index.ts';
import type { Route, ServingCertificate } from '#controller/serve/index.ts';
import { sharedCluster } from '#test/support/bed.ts';
import type { KeyPair } from './clients.ts';

export interface Asking {
  readonly token?: string;
  readonly certificate?: KeyPair;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Asked {
  readonly status: number;
  readonly body: string;
}

/** The controller's HTTPS port with these routes, without the program around it. */
export interface TestPort {
  readonly port: number;
  readonly certificate: ServingCertificate;
  ask(path: string, asking?: Asking): Promise<Asked>;
  close(): Promise<void>;
}

/** Opens one on loopback, which asks the shared cluster as a controller; resolves once it knows that one's client CA. */
export async function openTestPort(routes: (callers: Callers) => Readonly<Record<string, Route>>): Promise<TestPort> {
  const { controllerKubeconfig } = await sharedCluster();
  const client = createRestClient(await loadKubeConfig({ kubeconfig: controllerKubeconfig }));
  const certificate = selfSigned(['127.0.0.1'], new Date());
  const callers = new Callers(client, () => systemClock.now(), 200);
  const stop = new AbortController();
  const server = await startHttpsServer({
    address: { host: '127.0.0.1', port: 0 },
    certificate,
    callers,
    routes: routes(callers),
    onError: (error) => {
      throw error;
    },
  });
  await new Promise<void>((resolve) => {
    const changed = (ca: string | undefined): void => {
      server.trustClients(ca);
      resolve();
    };
    void followClientCa({ client, clock: systemClock, logger: silentLogger, signal: stop.signal, changed });
  });
  const { port } = server.address;
  return {
    ...{ port, certificate },
    ask: (path, { token, certificate: pair, method = 'GET', headers = {}, body } = {}) =>
      new Promise((resolve, reject) => {
        const asking = request(
          {
            ...{ host: '127.0.0.1', port, path, method, ca: certificate.cert, agent: false },
            headers: { ...headers, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
            ...pair,
          },
          (response) => {
            let text = '';
            response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
            response.once('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
          },
        );
        asking.once('error', reject);
        asking.end(body);
      }),
    close: async () => {
      stop.abort();
      await server.close();
      await client.close();
    },
  };
}

import { constants } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { Server, ServerOptions } from 'node:https';
import { Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { TLSSocket } from 'node:tls';

import { isKubeError } from '#controller/kube/index.ts';
import type { Caller, Callers } from './callers.ts';
import type { ServingCertificate } from './certificate.ts';
import { anchorOf } from './certificate.ts';
import { refuse } from './status.ts';

/** One request of a caller whom the cluster knows. */
export interface Call {
  readonly caller: Caller;
  readonly url: URL;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** Answers the requests under one first word of the path. A rejection with KubeError becomes 503, any other 500. */
export type Route = (call: Call) => Promise<void>;

export interface HttpsServerOptions {
  /** All addresses of the machine where host is undefined; any free port where port is 0. */
  readonly address: { readonly host: string | undefined; readonly port: number };
  readonly certificate: ServingCertificate;
  readonly callers: Pick<Callers, 'identify'>;
  /** By the first word of the path: `console` for /console/…. */
  readonly routes: Readonly<Record<string, Route>>;
  /** Told of requests that could not be answered. */
  readonly onError: (error: unknown) => void;
}

export interface HttpsServer {
  /** Where it listens, the port filled in. */
  readonly address: AddressInfo;
  /** From now on certificates of this authority (PEM, one or more) identify callers; undefined: none does. */
  trustClients(ca: string | undefined): void;
  /** Ends all connections at once: what is followed on them goes on for ever. */
  close(): Promise<void>;
}

/** A request is a line and a few headers, of which a token is the longest. */
const LIMITS = {
  maxHeaderSize: 16_384,
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5_000,
} as const;
const MAX_CONNECTIONS = 256;
const HANDSHAKE_MS = 5_000;

/** Serves routes to callers of the cluster. Rejects with the system's error where the address cannot be listened on. */
export async function startHttpsServer(options: HttpsServerOptions): Promise<HttpsServer> {
  const server = createServer({ ...LIMITS, ...tlsOf(options.certificate, undefined) }, (request, response) => {
    answer(options, request, response).catch((error: unknown) => {
      options.onError(error);
      if (response.headersSent) response.destroy();
      else refuse(response, 500, 'the controller failed; its log says why');
    });
  });
  server.maxConnections = MAX_CONNECTIONS;
  // Followers say nothing for hours: a client that has vanished is noticed by the kernel.
  server.on('connection', (socket) => {
    if (socket instanceof Socket) socket.setKeepAlive(true, 30_000);
  });
  await listen(server, options.address);
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('an HTTPS server on TCP has an address');
  return {
    address,
    trustClients: (ca) => server.setSecureContext(tlsOf(options.certificate, ca)),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function tlsOf(certificate: ServingCertificate, clientCa: string | undefined): ServerOptions {
  return {
    cert: certificate.cert,
    key: certificate.key,
    // Without an authority Node would trust all public ones; our own certificate is one that has signed nobody else's.
    ca: clientCa ?? anchorOf(certificate),
    requestCert: true,
    // One that cannot be verified counts as none: a token may say who calls.
    rejectUnauthorized: false,
    minVersion: 'TLSv1.2',
    handshakeTimeout: HANDSHAKE_MS,
    // No session is resumed: each connection verifies its certificate against the authority of the day.
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}

function listen(server: Server, { host, port }: HttpsServerOptions['address']): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, ...(host === undefined ? {} : { host }) }, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
}

async function answer(options: HttpsServerOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = URL.parse(request.url ?? '/', 'https://controller');
  if (url === null) {
    refuse(response, 400, 'the path makes no sense');
    return;
  }
  // Ignored, it would give its sender more than was asked for.
  if (Object.keys(request.headers).some((name) => name.startsWith('impersonate-'))) {
    refuse(response, 400, 'impersonation is not supported here');
    return;
  }
  const route = Object.entries(options.routes).find(([word]) => word === url.pathname.split('/')[1])?.[1];
  try {
    const caller = await options.callers.identify({
      subject: subjectOf(request),
      authorization: request.headers.authorization,
    });
    if (caller === undefined) {
      const message = 'neither a client certificate of this cluster nor a token that it knows was given';
      refuse(response, 401, message, { 'www-authenticate': 'Bearer' });
      return;
    }
    if (route === undefined) {
      refuse(response, 404, `there is nothing at ${url.pathname}`);
      return;
    }
    await route({ caller, url, request, response });
  } catch (error) {
    if (!isKubeError(error) || response.headersSent) throw error;
    options.onError(error);
    refuse(response, 503, 'the API server, which says who may do what, does not answer: try again later');
  }
}

/** The subject of a client certificate that was verified, on this very connection. */
function subjectOf({ socket }: IncomingMessage): Readonly<Record<string, string | readonly string[]>> | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  const { subject } = socket.getPeerCertificate() as Partial<ReturnType<TLSSocket['getPeerCertificate']>>;
  return subject as Readonly<Record<string, string | readonly string[]>> | undefined;
}

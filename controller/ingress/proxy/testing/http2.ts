import type { ClientHttp2Stream } from 'node:http2';
import { createSecureContext } from 'node:tls';
import type { ConnectionOptions } from 'node:tls';

import { selfSigned } from '#controller/serve/certificate.ts';
import type { TlsOptions } from '../front/options.ts';

const certificate = selfSigned(['a.example', 'b.example'], new Date());
export const TLS: TlsOptions = {
  listen: { host: '127.0.0.1', port: 0 },
  contextFor: (name) => (name === 'broken.example' ? undefined : createSecureContext(certificate)),
  defaultCertificate: certificate,
  mayServe: (servername, host) => servername === undefined || servername === host || host === 'b.example',
};
/** A visitor's. */
export const trust: ConnectionOptions = { ca: certificate.cert, servername: 'a.example' };

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly interim: readonly number[];
  readonly trailers: Readonly<Record<string, unknown>>;
  readonly body: string;
  readonly code: number;
}

/** All that comes on a stream, once it is closed. */
export const hear = (stream: ClientHttp2Stream): Promise<Reply> =>
  new Promise((resolve) => {
    let [body, headers, trailers]: [string, Record<string, unknown>, Record<string, unknown>] = ['', {}, {}];
    const interim: number[] = [];
    stream.setEncoding('latin1').on('data', (data) => (body += String(data)));
    stream.on('headers', (early) => interim.push(Number(early[':status'])));
    stream.once('response', (given) => (headers = { ...given }));
    stream.once('trailers', (given: Record<string, unknown>) => (trailers = { ...given }));
    stream.on('error', () => undefined);
    stream.once('close', () =>
      resolve({ status: Number(headers[':status']), headers, interim, trailers, body, code: stream.rstCode }),
    );
  });

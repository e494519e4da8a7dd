import { X509Certificate } from 'node:crypto';
import type { AgentOptions, RequestOptions } from 'node:https';

import type { Credentials } from '#controller/kube/index.ts';
import type { ControllerAddress } from './address.ts';

/**
 * How a connection to the controller is made and verified. The credentials leave only over a connection whose server has the
 * key of the certificate in the Lease.
 */
export function connectionTo(address: ControllerAddress, credentials: Credentials): RequestOptions {
  return {
    ...requestTo(address, credentials),
    checkServerIdentity: identityOf(address.anchor),
    agent: false,
  };
}

/** As connectionTo, for an agent with identityOf as its own check: Node keeps no connection whose request brings one. */
export function requestTo({ host, port, anchor }: ControllerAddress, { headers, tls }: Credentials): RequestOptions {
  const { authorization } = headers;
  const { cert, key, passphrase } = tls;
  return {
    host,
    port,
    // This certificate and no other: names do not count, since a controller may be reached by many.
    ca: anchor,
    allowPartialTrustChain: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
    ...(passphrase === undefined ? {} : { passphrase }),
    headers: authorization === undefined ? {} : { authorization },
  };
}

/** Accepts a server with this very certificate (PEM), by whatever name. Throws where that is no certificate. */
export function identityOf(anchor: string): NonNullable<AgentOptions['checkServerIdentity']> {
  const { fingerprint256 } = new X509Certificate(anchor);
  return (_name, shown) =>
    shown.fingerprint256 === fingerprint256 ? undefined : new Error('another certificate than that of the Lease');
}

/** Whether these credentials speak for another than their owner, which the controller does not take. */
export function impersonates({ headers }: Credentials): boolean {
  return Object.keys(headers).some((header) => header.startsWith('impersonate-'));
}

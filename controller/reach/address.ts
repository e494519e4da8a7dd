import { LEASE_NAME, LeaseAnnotation } from '#controller/api/index.ts';
import { LEASES } from '#controller/kube/index.ts';
import type { LeaseObject, RestClient } from '#controller/kube/index.ts';

/** Where the controller that acts serves, and the certificate that it shows there: the trust comes from the API server. */
export interface ControllerAddress {
  readonly host: string;
  readonly port: number;
  /** PEM. */
  readonly anchor: string;
}

/** No controller acts, or it does not say where: one line that says what to do. */
export class NoController extends Error {
  override readonly name = 'NoController';
}

const ASK_MS = 10_000;

/** Reads it from the Lease. Rejects with KubeError, or NoController. */
export async function findController(client: Pick<RestClient, 'get'>, namespace: string): Promise<ControllerAddress> {
  return addressIn(await client.get(LEASES, { namespace, name: LEASE_NAME }, { timeoutMs: ASK_MS }), Date.now());
}

/** Where the holder of a Lease serves. Throws NoController where there is none, or it does not say. */
export function addressIn({ metadata, spec }: LeaseObject, now: number): ControllerAddress {
  const lease = `Lease ${metadata.namespace ?? ''}/${metadata.name}`;
  const renewed = Date.parse(spec?.renewTime ?? '');
  const isHeld = (spec?.holderIdentity ?? '') !== '';
  // Clocks may differ by as much again as a Lease lasts.
  const isStale = now - renewed > (spec?.leaseDurationSeconds ?? 0) * 2_000 + STALE_MS;
  if (!isHeld || isStale) throw new NoController(`no controller acts (${lease} is held by nobody): start one`);
  const address = metadata.annotations?.[LeaseAnnotation.Address] ?? '';
  const anchor = metadata.annotations?.[LeaseAnnotation.Ca];
  const url = /^[^\s/?#@\\]+$/.test(address) ? URL.parse(`https://${address}`) : null;
  if (url === null || anchor === undefined) {
    throw new NoController(`the controller does not say where it serves HTTPS (${lease}): it may be too old`);
  }
  return { host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port: url.port === '' ? 443 : Number(url.port), anchor };
}

const STALE_MS = 60_000;

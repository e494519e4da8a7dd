import { LEASE_NAME, LeaseAnnotation } from '#controller/api/index.ts';
import { LEASES } from '#controller/kube/index.ts';
import type { LeaseObject, RestClient } from '#controller/kube/index.ts';
import { ToolFault } from './fault.ts';

/** Where the controller that acts serves, and the certificate that it shows there: the trust comes from the API server. */
export interface ControllerAddress {
  readonly host: string;
  readonly port: number;
  /** PEM. */
  readonly anchor: string;
}

/** Reads it from the Lease. Rejects with KubeError, or ToolFault where no controller acts. */
export async function findController(client: RestClient, namespace: string): Promise<ControllerAddress> {
  return addressIn(await client.get(LEASES, { namespace, name: LEASE_NAME }), Date.now());
}

/** Where the holder of a Lease serves. Throws ToolFault where there is none, or it does not say. */
export function addressIn({ metadata, spec }: LeaseObject, now: number): ControllerAddress {
  const lease = `Lease ${metadata.namespace ?? ''}/${metadata.name}`;
  const renewed = Date.parse(spec?.renewTime ?? '');
  const isHeld = (spec?.holderIdentity ?? '') !== '';
  // Clocks may differ by as much again as a Lease lasts.
  const isStale = now - renewed > (spec?.leaseDurationSeconds ?? 0) * 2_000 + STALE_MS;
  if (!isHeld || isStale) throw new ToolFault(`no controller acts (${lease} is held by nobody): start one`);
  const address = metadata.annotations?.[LeaseAnnotation.Address] ?? '';
  const anchor = metadata.annotations?.[LeaseAnnotation.Ca];
  const url = /^[^\s/?#@\\]+$/.test(address) ? URL.parse(`https://${address}`) : null;
  if (url === null || anchor === undefined) {
    throw new ToolFault(`the controller does not say where it serves consoles (${lease}): it may be too old`);
  }
  return { host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port: url.port === '' ? 443 : Number(url.port), anchor };
}

const STALE_MS = 60_000;

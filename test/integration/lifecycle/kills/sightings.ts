import { Connect, DomainProcedure, Node, StorageProcedure } from '#controller/libvirt/protocol.ts';
import type { Guarded } from '../wire.ts';
import type { ApiRequest } from './api-wire.ts';
import type { Checkpoint, Sighting } from './checkpoint.ts';

/** What of a request's body tells what it is. */
interface Body {
  readonly status?: {
    readonly phase?: string;
    readonly reason?: string;
    readonly domain?: { readonly uuid?: string } | null;
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason: string }[];
  };
  readonly involvedObject?: { readonly name?: string };
}

const RESOURCE = /^\/apis\/hatchery\.dev\/v1alpha1\/namespaces\/[^/]+\/ephemeraldomains\/([^/?]+)(\/status)?$/;
const CONFIG_MAP = /^\/api\/v1\/namespaces\/[^/]+\/configmaps\/([^/?]+)$/;
const EVENT = /^\/api\/v1\/namespaces\/[^/]+\/events/;
const HOST = /^\/apis\/hatchery\.dev\/v1alpha1\/domainhosts\/[^/]+\/status$/;

/** Looks at what is asked of the API server; lists, watches and the Lease belong to no life. */
export function guardApi(checkpoint: Checkpoint, { method, path, body }: ApiRequest): Guarded | undefined {
  const { pathname } = new URL(path, 'https://localhost');
  if (HOST.test(pathname) && method === 'PATCH')
    return checkpoint.guard({ what: 'DomainHost status', life: undefined });
  const sighting = ofAResource(checkpoint, method, pathname, body) ?? ofAnother(method, pathname, body);
  return sighting === undefined ? undefined : checkpoint.guard(sighting);
}

function ofAResource(checkpoint: Checkpoint, method: string, pathname: string, body: string): Sighting | undefined {
  const [, life, subresource] = RESOURCE.exec(pathname) ?? [];
  if (life === undefined) return undefined;
  if (method === 'GET') return { what: 'GET', life };
  if (method === 'DELETE') return { what: 'DELETE', life };
  if (method !== 'PATCH' || subresource === undefined) return undefined;
  const { status } = JSON.parse(body) as Body;
  const uuid = status?.domain?.uuid;
  if (uuid !== undefined) checkpoint.bound(life, uuid);
  return { what: `status ${stepOf(status)}`, life };
}

/** What a patch writes: the phase, why it waits, or what is decided while it runs. */
function stepOf(status: Body['status']): string {
  if (status?.phase === 'Pending') return `Pending/${status.reason ?? ''}`;
  const isFinal = status?.phase === 'Failed' || status?.phase === 'Succeeded';
  const isStopping = status?.conditions?.some(
    ({ type, status: value, reason }) =>
      (type === 'FailureTarget' && value === 'True') || (type === 'Suspended' && reason === 'Suspending'),
  );
  return !isFinal && isStopping === true ? 'stopping' : (status?.phase ?? 'more');
}

function ofAnother(method: string, pathname: string, body: string): Sighting | undefined {
  if (method === 'GET') {
    const life = CONFIG_MAP.exec(pathname)?.[1];
    return life === undefined ? undefined : { what: 'GET ConfigMap', life };
  }
  if (!EVENT.test(pathname)) return undefined;
  const life = (JSON.parse(body) as Body).involvedObject?.name;
  return life === undefined ? undefined : { what: `${method} Event`, life };
}

const PROCEDURES = new Map(
  [Connect, Node, DomainProcedure, StorageProcedure].flatMap((group) =>
    Object.values(group).map(({ number, name }): [number, string] => [number, name]),
  ),
);

/** Looks at what is asked of a host; what names no life's domain, volume or image is let pass. */
export function guardHost(checkpoint: Checkpoint, procedure: number, message: Buffer): Guarded | undefined {
  const life = checkpoint.lifeIn(message);
  const what = PROCEDURES.get(procedure) ?? `procedure ${procedure}`;
  return life === undefined ? undefined : checkpoint.guard({ what, life });
}

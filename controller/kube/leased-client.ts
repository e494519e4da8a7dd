import { KubeError } from './errors.ts';
import type { Verb } from './errors.ts';
import type { Lease } from './lease.ts';
import type { CallOptions, RestClient } from './rest-client.ts';
import type { KubeObject, ObjectRef, ResourceType } from './types.ts';

/**
 * The same client, whose writes fail with 'not-leading' (nothing sent) unless the lease is held, and are aborted at its
 * renew deadline.
 */
export function leasedClient(client: RestClient, lease: Pick<Lease, 'isHeld' | 'signal'>): RestClient {
  const host = new URL(client.server).host;
  const guarded = async <R>(
    verb: Verb,
    type: ResourceType<KubeObject>,
    ref: Partial<ObjectRef>,
    options: CallOptions | undefined,
    call: (options: CallOptions) => Promise<R>,
  ): Promise<R> => {
    if (!lease.isHeld()) {
      const subject = { verb, kind: type.kind, ref: { namespace: ref.namespace, ...nameOf(ref) }, host };
      throw new KubeError({ ...subject, error: 'not-leading', message: 'the lease is not held', sent: false });
    }
    const signal = options?.signal === undefined ? lease.signal : AbortSignal.any([lease.signal, options.signal]);
    return call({ ...options, signal });
  };
  return {
    server: client.server,
    get: (...args) => client.get(...args),
    list: (...args) => client.list(...args),
    watch: (...args) => client.watch(...args),
    getRaw: (...args) => client.getRaw(...args),
    close: () => client.close(),
    create: (type, object, options) =>
      guarded('create', type, object.metadata, options, (o) => client.create(type, object, o)),
    replace: (type, object, options) =>
      guarded('replace', type, object.metadata, options, (o) => client.replace(type, object, o)),
    patch: (type, ref, patch, options) =>
      guarded('patch', type, ref, options, (o) => client.patch(type, ref, patch, o)),
    patchStatus: (type, ref, patch, options) =>
      guarded('patch-status', type, ref, options, (o) => client.patchStatus(type, ref, patch, o)),
    delete: (type, ref, options) =>
      guarded('delete', type, ref, options, (o) => client.delete(type, ref, { ...options, ...o })),
  };
}

function nameOf(ref: Partial<ObjectRef>): Partial<ObjectRef> {
  return ref.name === undefined ? {} : { name: ref.name };
}

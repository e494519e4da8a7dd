import type { EphemeralDomain } from '#controller/api/index.ts';
import type { Store } from '#controller/kube/index.ts';
import { bindingOf } from './attempt.ts';
import type { HostState } from './host-state.ts';
import { isServedByCreator } from './readiness.ts';
import { mayRun } from './tracked.ts';

/** What who serves an EphemeralDomain's request itself (spec.request) tells of it. */
export interface RequestTimes {
  /** Of the resource: another of its name gets nothing. */
  readonly uid: string;
  /** Wall clock ms of the teller: its guest could be asked; its answer began. */
  readonly ready?: number | undefined;
  readonly responded?: number | undefined;
}

/** What came of them. */
export type TimesNoted =
  /** The next write of the resource's status has them. */
  | { readonly kind: 'noted' }
  | { readonly kind: 'not-found' }
  /** No write comes that they would belong to. */
  | { readonly kind: 'not-taken'; readonly why: string }
  | { readonly kind: 'unavailable' };

/** Takes in what is told of requests. Whether the teller may is not asked here. */
export interface TimelineSink {
  /** `key`: namespace/name. What was told first counts. */
  noteTimes(key: string, times: RequestTimes): TimesNoted;
}

/** The sink over what the controller knows. It writes nothing, and makes nobody write. */
export function createTimelineSink(
  domains: Pick<Store<EphemeralDomain>, 'get'>,
  stateOf: (host: string) => Pick<HostState, 'domains'> | undefined,
): TimelineSink {
  return {
    noteTimes: (key, { uid, ready, responded }) => {
      const resource = domains.get(key);
      if (resource === undefined) return { kind: 'not-found' };
      if (resource.metadata.uid !== uid) return { kind: 'not-taken', why: 'it has another UID' };
      if (!isServedByCreator(resource)) return { kind: 'not-taken', why: 'it has no spec.request' };
      const binding = bindingOf(resource);
      if (binding === undefined) return { kind: 'not-taken', why: 'it has ended, or is on no host' };
      const tracked = stateOf(binding.host)?.domains.get(binding.uuid);
      // What is told of an attempt whose domain nobody asked for was another attempt's.
      if (tracked === undefined || !mayRun(tracked))
        return { kind: 'not-taken', why: 'its domain was not started yet' };
      tracked.readyAt ??= ready;
      tracked.respondedAt ??= responded;
      return { kind: 'noted' };
    },
  };
}

import { isFinished } from '#controller/api/index.ts';
import type { EphemeralDomain } from '#controller/api/index.ts';
import { keyOf } from '#controller/kube/index.ts';
import type { Store } from '#controller/kube/index.ts';
import type { HostState } from './host-state.ts';
import type { Tracked } from './tracked.ts';

/** An EphemeralDomain that somebody has deleted, as far as its creator knew it. */
export interface Deleted {
  readonly name: string;
  readonly uid: string;
  /** DomainHost that it was bound to; undefined: none that its creator knew of. */
  readonly host?: string | undefined;
}

/** Tells which domains are still there. Whether the asker may know is not asked here. */
export interface PresenceSource {
  /**
   * UIDs of those of which a host has a domain, or may have one yet; undefined: the controller is starting or ending. One
   * that is left out after its deletion has no domain, and gets none any more.
   */
  presentOf(namespace: string, asked: readonly Deleted[]): ReadonlySet<string> | undefined;
}

type KnownHost = Pick<HostState, 'contact'> & {
  readonly domains: ReadonlyMap<string, Pick<Tracked, 'owner' | 'found'>>;
};

/**
 * The source over what the controller knows. What was bound before its deletion is told by the watch before the deletion
 * is, and tracked from then on until its host no longer lists it; a binding that comes later fails.
 */
export function createPresenceSource(
  domains: Pick<Store<EphemeralDomain>, 'get'>,
  hosts: () => ReadonlyMap<string, KnownHost>,
): PresenceSource {
  return {
    presentOf: (namespace, asked) => {
      const known = hosts();
      const uids = new Set([...known.values()].flatMap(ownersWithDomains));
      const isStored = ({ name, uid }: Deleted): boolean => {
        const resource = domains.get(keyOf({ namespace, name }));
        return resource?.metadata.uid === uid && !isFinished(resource.status?.phase);
      };
      const present = asked.filter((one) => uids.has(one.uid) || isStored(one) || isUnlisted(known, one.host));
      return new Set(present.map(({ uid }) => uid));
    },
  };
}

function ownersWithDomains({ domains }: KnownHost): readonly string[] {
  return [...domains.values()].flatMap(({ owner, found }) =>
    owner === undefined || found?.kind === 'ended' ? [] : [owner.uid],
  );
}

/** A host that has not listed its domains to this process yet may have any. */
function isUnlisted(hosts: ReadonlyMap<string, KnownHost>, host: string | undefined): boolean {
  const known = host === undefined ? undefined : hosts.get(host);
  return known !== undefined && known.contact === undefined;
}

import { bindingOf, stateOfAttempt, unknownAttemptsOf } from './attempt.ts';
import type { HostState } from './host-state.ts';
import type { Survey } from './orphans.ts';
import { afterLostCreate } from './reconcile.ts';
import type { Tracked } from './tracked.ts';
import type { DomainStore } from './writer.ts';

/** Domains that the host lists, whosever they are. */
function listedDomains(state: HostState): readonly Tracked[] {
  return [...state.domains.values()].filter(({ found }) => found !== undefined && found.kind !== 'absent');
}

/** Addresses that an earlier process took out of use are so still: the resources of which an attempt failed so say which. */
export function quarantineLostCreates({ name: host, ledger }: HostState, store: DomainStore, boot: string): void {
  for (const attempt of store.byIndex('unknown', host).flatMap(unknownAttemptsOf)) {
    const { address, name } = attempt;
    if (address === undefined || attempt.host !== host || attempt.hostBoot !== boot) continue;
    if (!ledger.isHeld(address)) ledger.quarantine(address, { why: afterLostCreate(name) });
  }
}

/** Which of the listed domains have no resource that the cache knows. */
export function surveyOrphans(state: HostState, store: DomainStore): Survey {
  const listed = listedDomains(state);
  const orphans = listed.filter(({ uuid, owner }) => {
    if (owner === undefined) return false;
    const resource = store.get(owner.key);
    return resource?.metadata.uid !== owner.uid || stateOfAttempt(resource, uuid, owner.attempt) === 'unknown';
  });
  return { listed: listed.length, orphans: orphans.map(({ uuid }) => uuid) };
}

/** Listed, or told of by an event, and nobody has found out yet whose they are and what they take. */
export function unidentifiedDomains(state: HostState): readonly Tracked[] {
  return listedDomains(state).filter(({ uuid, owner }) => owner === undefined && state.ledger.get(uuid) === undefined);
}

/** Ours on the host, and bound there no longer: to be looked after before the host is given new ones. */
export function looseDomains(state: HostState, store: DomainStore): readonly string[] {
  const loose = listedDomains(state).filter(({ uuid, owner }) => {
    if (owner === undefined) return false;
    const resource = store.get(owner.key);
    const binding = resource === undefined ? undefined : bindingOf(resource);
    return binding?.uuid !== uuid || binding.host !== state.name;
  });
  return loose.map(({ uuid }) => uuid);
}

/** Memory that the listed domains have, KiB: what is bound and not started has none yet. */
export function takenKiB(state: HostState): number {
  return listedDomains(state).reduce((sum, { uuid }) => sum + (state.ledger.get(uuid)?.memoryKiB ?? 0), 0);
}

import type { EphemeralDomain } from '#controller/api/index.ts';
import { readDomainXml } from '#controller/domain/reading.ts';
import { keyOf } from '#controller/kube/index.ts';
import { LibvirtError } from '#controller/libvirt/index.ts';
import type { LifecycleEvent } from '#controller/libvirt/index.ts';
import type { Binding } from './attempt.ts';
import { costKiB, currentContact } from './host-state.ts';
import type { HostState } from './host-state.ts';
import { needsOf } from './plan.ts';
import { onSession } from './session.ts';
import type { Session } from './session.ts';
import type { Listed } from './trace.ts';
import { endOfStopped } from './traces/common.ts';
import { hearEnded, hearGone, hearStarted, see, track } from './tracked.ts';
import type { Tracked } from './tracked.ts';
import type { Assumption } from './worker-parts.ts';

/** Times at which something was heard or read. */
export interface Moment {
  /** Monotonic ms. */
  readonly now: number;
  /** Wall clock ms. */
  readonly wall: number;
}

/** Takes an address and memory for an attempt that is about to be bound; undefined where there is none any more. */
export function assumeBinding(state: HostState, resource: EphemeralDomain, uuid: string): Assumption | undefined {
  const contact = currentContact(state);
  if (contact === undefined) return undefined;
  const needs = needsOf(resource);
  const needsAddress = needs.interface && state.config.network !== undefined;
  const address = needsAddress ? state.ledger.takeAddress(uuid) : undefined;
  if (needsAddress && address === undefined) return undefined;
  state.ledger.set(uuid, { memoryKiB: costKiB(state, needs.memoryKiB), vcpus: needs.vcpus, address, state: 'bound' });
  state.assumed.add(uuid);
  return { address, identity: contact.identity };
}

/** A resource is bound to this host: it is tracked, and what it takes is its own, from now on. */
export function noticeBinding(state: HostState, resource: EphemeralDomain, binding: Binding, { now }: Moment): Tracked {
  const { uuid, attempt, address } = binding;
  const owner = { key: keyOf(resource.metadata), uid: resource.metadata.uid, attempt, address };
  const tracked = state.domains.get(uuid) ?? track(uuid, owner, now);
  // Bound anew, the same attempt has another address.
  tracked.owner = owner;
  state.domains.set(uuid, tracked);
  const claim = state.ledger.get(uuid);
  const { memoryKiB, vcpus } = needsOf(resource);
  state.ledger.set(uuid, {
    memoryKiB: costKiB(state, memoryKiB),
    vcpus,
    address,
    state: claim?.state ?? (binding.started ? 'running' : 'bound'),
  });
  return tracked;
}

/** What had been heard of each domain before a list was asked for; what was told meanwhile is newer than the list. */
export function heardBefore(state: HostState): ReadonlyMap<string, number> {
  return new Map(Array.from(state.domains, ([uuid, { heard }]) => [uuid, heard]));
}

/** Takes a list of the host in. Returns the domains that nobody knew, to be identified, and those that changed. */
export function takeList(
  state: HostState,
  listed: readonly Listed[],
  before: ReadonlyMap<string, number>,
  { now, wall }: Moment,
): { readonly unknown: readonly Tracked[]; readonly changed: readonly string[] } {
  const unknown: Tracked[] = [];
  const changed: string[] = [];
  for (const { uuid, found } of listed) {
    const known = state.domains.get(uuid);
    if (known === undefined) {
      const made = track(uuid, undefined, now);
      see(made, found, wall);
      state.domains.set(uuid, made);
      unknown.push(made);
    } else if (known.heard === before.get(uuid) && known.found?.kind !== 'ended') {
      if (known.found?.kind !== found.kind) changed.push(uuid);
      see(known, found, wall);
    }
  }
  const present = new Set(listed.map(({ uuid }) => uuid));
  for (const [uuid, known] of state.domains) {
    if (present.has(uuid) || known.heard !== before.get(uuid) || known.found?.kind === 'ended') continue;
    if (known.found?.kind !== 'absent') changed.push(uuid);
    known.found = { kind: 'absent' };
  }
  return { unknown, changed };
}

/** Takes an event in; a domain that nobody knew is tracked, and to be identified. */
export function takeEvent(state: HostState, { domain, event, detail }: LifecycleEvent, { now, wall }: Moment): Tracked {
  const tracked = state.domains.get(domain.uuid) ?? track(domain.uuid, undefined, now);
  state.domains.set(domain.uuid, tracked);
  switch (event) {
    case 'started':
      hearStarted(tracked, domain.id, now, wall);
      break;
    case 'stopped':
      hearEnded(tracked, endOfStopped(detail), wall);
      break;
    case 'crashed':
      hearEnded(tracked, 'crashed', wall);
      break;
    case 'undefined':
      hearGone(tracked);
      break;
    case 'defined':
    case 'suspended':
    case 'resumed':
    case 'shutdown':
    case 'pmsuspended':
    case 'unknown':
      tracked.quietSince = now;
      break;
  }
  return tracked;
}

/** Finds out whose a listed domain is, and what it takes; one that is gone meanwhile is forgotten. */
export async function identify(state: HostState, session: Session, tracked: Tracked): Promise<void> {
  const ref = { name: '', uuid: tracked.uuid };
  try {
    const xml = await onSession(session, 'DOMAIN_GET_XML_DESC', (host) => host.getXmlDesc(ref));
    const reading = readDomainXml(xml, state.cluster);
    const ownership = reading.ok ? reading.domain.ownership : undefined;
    if (reading.ok && ownership?.kind === 'ours') {
      const { namespace, name, uid, attempt, address } = ownership.identity;
      tracked.owner ??= { key: keyOf({ namespace, name }), uid, attempt, address };
      const { memoryKiB = 0, vcpus = 0 } = reading.domain;
      if (state.ledger.get(tracked.uuid) === undefined) {
        state.ledger.set(tracked.uuid, { memoryKiB: costKiB(state, memoryKiB), vcpus, address, state: 'running' });
      }
      return;
    }
    const { memory, vcpus } = await onSession(session, 'DOMAIN_GET_INFO', (host) => host.getInfo(ref));
    state.ledger.set(tracked.uuid, { memoryKiB: memory, vcpus, address: undefined, state: 'foreign' });
  } catch (error) {
    if (!(error instanceof LibvirtError) || error.kind !== 'no-domain') throw error;
    state.domains.delete(tracked.uuid);
    state.ledger.drop(tracked.uuid);
  }
}

import { LibvirtError, ShutoffReason, StoppedDetail } from '#controller/libvirt/index.ts';
import type { Domain, StateAndReason } from '#controller/libvirt/index.ts';
import { findByName, findByUuid, onSession, unless } from '../session.ts';
import type { Session } from '../session.ts';
import type { End, Found, Listed, StartAnswer } from '../trace.ts';

/** How a kind of host's state 'shutoff' with its reason reads. */
export type ReadShutoff = (reason: number) => Found;

/** A domain's state in the words of the table. */
export function foundOf(domain: Domain, state: StateAndReason, readShutoff: ReadShutoff): Found {
  switch (state.state) {
    case 'shutoff':
      return readShutoff(state.reason);
    case 'crashed':
      return { kind: 'ended', end: 'crashed' };
    case 'nostate': // What Xen says of a domain that neither runs nor waits at this moment.
    case 'running':
    case 'blocked':
    case 'paused':
    case 'shutdown':
    case 'pmsuspended':
      return { kind: 'active', id: domain.id };
    case 'unknown':
      return { kind: 'creating' };
  }
}

/** Reasons of 'shutoff' that every driver means alike. */
export function endedBy(reason: number): Found {
  switch (reason) {
    case ShutoffReason.shutdown:
      return { kind: 'ended', end: 'power-off' };
    case ShutoffReason.destroyed:
      return { kind: 'ended', end: 'destroyed' };
    default:
      return { kind: 'ended', end: 'crashed' };
  }
}

export async function observe(session: Session, uuid: string, readShutoff: ReadShutoff): Promise<Found> {
  const domain = await findByUuid(session, uuid);
  return domain === undefined ? { kind: 'absent' } : stateOf(session, domain, readShutoff);
}

/**
 * All domains with their states; one that goes while it is being asked about is left out. Those whose number alone tells
 * that they are active are not asked about: with a thousand of them that is one call in place of as many.
 */
export async function list(
  session: Session,
  readShutoff: ReadShutoff,
  isActive: (domain: Domain) => boolean,
): Promise<readonly Listed[]> {
  const domains = await onSession(session, 'CONNECT_LIST_ALL_DOMAINS', (host) => host.listAllDomains());
  const look = (domain: Domain): Promise<Found> =>
    isActive(domain) ? Promise.resolve({ kind: 'active', id: domain.id }) : stateOf(session, domain, readShutoff);
  const listed: Listed[] = [];
  // A few at a time: a daemon reads no more than five calls of one connection.
  for (let at = 0; at < domains.length; at += LISTED_AT_ONCE) {
    const some = domains.slice(at, at + LISTED_AT_ONCE);
    const found = await Promise.all(some.map((domain) => look(domain)));
    for (const [index, { uuid, name }] of some.entries()) {
      const state = found[index];
      if (state !== undefined && state.kind !== 'absent') listed.push({ uuid, name, found: state });
    }
  }
  return listed;
}

const LISTED_AT_ONCE = 4;

async function stateOf(session: Session, domain: Domain, readShutoff: ReadShutoff): Promise<Found> {
  try {
    const state = await onSession(session, 'DOMAIN_GET_STATE', (host) => host.getState(domain));
    return foundOf(domain, state, readShutoff);
  } catch (error) {
    if (error instanceof LibvirtError && error.kind === 'no-domain') return { kind: 'absent' };
    throw error;
  }
}

/** What a request that failed comes to, where it is not the daemon that said no; undefined: it is. */
export function unanswered(error: LibvirtError): StartAnswer | undefined {
  if (error.mayHaveRun) return { kind: 'in-doubt', timedOut: error.kind === 'timeout' };
  return error.code === 0 ? { kind: 'not-sent' } : undefined;
}

/** Looks why a domain could not be made: it is there already, its name is another's, or the host cannot. */
export async function whyRefused(
  session: Session,
  uuid: string,
  name: string,
  error: LibvirtError,
): Promise<StartAnswer> {
  try {
    if ((await findByUuid(session, uuid)) !== undefined) return { kind: 'exists' };
    const holder = await findByName(session, name);
    if (holder !== undefined && holder.uuid !== uuid) return { kind: 'name-held', by: holder.uuid };
    return { kind: 'refused', why: error.message };
  } catch (failure) {
    // The refusal is certain, only its cause is not: the next look decides.
    if (failure instanceof LibvirtError) return { kind: 'in-doubt', timedOut: false };
    throw failure;
  }
}

/** What an event STOPPED with this detail says; undefined: look (LXC tells FAILED of clean exits too). */
export function endOfStopped(detail: number): End | undefined {
  switch (detail) {
    case StoppedDetail.shutdown:
      return 'power-off';
    case StoppedDetail.crashed:
      return 'crashed';
    case StoppedDetail.destroyed:
      return 'destroyed';
    default:
      return undefined;
  }
}

/** One that is not there, or does not run, need not be asked. `flags`: ShutdownFlags; 0 leaves the way to the host. */
export function shutdown(session: Session, uuid: string, timeoutMs: number, flags = 0): Promise<void> {
  return unless(['no-domain', 'operation-invalid'], () =>
    onSession(session, 'DOMAIN_SHUTDOWN', (host) => host.shutdown({ name: '', uuid }, flags, { timeoutMs })),
  );
}

import { domainXml, LONELY_MAC } from '#controller/domain/xml.ts';
import type { DomainPlan } from '#controller/domain/xml.ts';
import { LibvirtError, ShutdownFlags, ShutoffReason, Signal } from '#controller/libvirt/index.ts';
import { findByUuid, onSession, unless } from '../session.ts';
import type { Session } from '../session.ts';
import type { Found, HostTrace, StartAnswer } from '../trace.ts';
import { endedBy, list, observe, unanswered, whyRefused, shutdown } from './common.ts';

/** Hosts whose trace is a definition: define, create, and undefine once the end is stored. facts/lxc-host.md. */
export function createLxcTrace(session: Session): HostTrace {
  return {
    ...createPersistentTrace(session, 'lxc'),
    // Left to itself LXC writes to an initctl first, takes that for done, and a one-shot guest's init never hears of it.
    shutdown: (uuid, timeoutMs) => shutdown(session, uuid, timeoutMs, ShutdownFlags.signal),
    destroy: (uuid) => destroy(session, uuid, () => killInit(session, uuid)),
    acknowledge: (uuid, found) => acknowledge(session, uuid, found, () => killInit(session, uuid)),
    hasVanished: (uuid, mac) => hasVanished(session, uuid, mac ?? LONELY_MAC),
  };
}

export function createTestTrace(session: Session): HostTrace {
  return createPersistentTrace(session, 'test');
}

function createPersistentTrace(session: Session, kind: 'lxc' | 'test'): HostTrace {
  return {
    outlivesDaemon: false,
    start: (plan) => defineAndStart(session, kind, plan),
    startDefined: (plan) => create(session, plan),
    observe: (uuid) => observe(session, uuid, readShutoff),
    shutdown: (uuid, timeoutMs) => shutdown(session, uuid, timeoutMs),
    destroy: (uuid) => destroy(session, uuid, () => Promise.resolve()),
    acknowledge: (uuid, found) => acknowledge(session, uuid, found, () => Promise.resolve()),
    // These drivers take a domain's number away as it ends.
    list: () => list(session, readShutoff, ({ id }) => id >= 0),
    // Nothing settles what ended while the daemon was down: the table's "other daemon" rows say what is left of it.
    settle: () => Promise.resolve(),
    hasVanished: () => Promise.resolve(false),
  };
}

async function defineAndStart(session: Session, kind: 'lxc' | 'test', plan: DomainPlan): Promise<StartAnswer> {
  try {
    const xml = domainXml(kind, plan);
    await onSession(session, 'DOMAIN_DEFINE_XML', (host) => host.defineXml(xml));
  } catch (error) {
    if (!(error instanceof LibvirtError)) throw error;
    return unanswered(error) ?? whyRefused(session, plan.uuid, plan.name, error);
  }
  const answer = await create(session, plan);
  // It is defined by now, so a look has something to find.
  return answer.kind === 'not-sent' ? { kind: 'in-doubt', timedOut: false } : answer;
}

async function create(session: Session, { uuid, name }: DomainPlan): Promise<StartAnswer> {
  try {
    const domain = await onSession(session, 'DOMAIN_CREATE', (host) => host.create({ uuid, name }));
    return { kind: 'started', id: domain.id };
  } catch (error) {
    if (!(error instanceof LibvirtError)) throw error;
    return unanswered(error) ?? createRefused(session, uuid, error);
  }
}

/** The daemon said no: because the domain runs (LXC 55, the test driver 1) or has run, or because it cannot be started. */
async function createRefused(session: Session, uuid: string, error: LibvirtError): Promise<StartAnswer> {
  try {
    const found = await observe(session, uuid, readShutoff);
    const neverRan = found.kind === 'never-run' || found.kind === 'start-failed';
    return neverRan ? { kind: 'refused', why: error.message } : { kind: 'exists' };
  } catch (failure) {
    if (failure instanceof LibvirtError) return { kind: 'in-doubt', timedOut: false };
    throw failure;
  }
}

/** `end` is called first. Whatever the daemon says of a domain that has ended meanwhile: the next look decides. */
async function destroy(session: Session, uuid: string, end: () => Promise<void>): Promise<void> {
  await end();
  await unless(['no-domain', 'operation-invalid', 'internal'], () =>
    onSession(session, 'DOMAIN_DESTROY', (host) => host.destroy({ name: '', uuid })),
  );
}

/** `end` is called before a destroy. Undefining what still runs would only make it transient. */
async function acknowledge(session: Session, uuid: string, found: Found, end: () => Promise<void>): Promise<void> {
  const ref = { name: '', uuid };
  if (mayStillRun(found)) await destroy(session, uuid, end);
  await unless(['no-domain'], () => onSession(session, 'DOMAIN_UNDEFINE', (host) => host.undefine(ref)));
  if (!mayStillRun(found) || (await findByUuid(session, uuid)) === undefined) return;
  await unless(['no-domain'], () => onSession(session, 'DOMAIN_DESTROY', (host) => host.destroy(ref)));
}

function mayStillRun(found: Found): boolean {
  if (found.kind === 'ended') return found.end === 'reboot' || found.end === 'vanished';
  return found.kind !== 'never-run' && found.kind !== 'start-failed';
}

/**
 * A destroy of an init that ignores SIGTERM takes 1.8 s and stalls the whole daemon as long; after a SIGKILL it takes 0.2 s
 * (lxc-host.md, 8). Whatever this answers, the destroy that follows decides.
 */
async function killInit(session: Session, uuid: string): Promise<void> {
  await unless(
    ['no-domain', 'operation-invalid', 'internal', 'system', 'invalid-arg', 'operation-failed', 'other'],
    () =>
      onSession(session, 'DOMAIN_SEND_PROCESS_SIGNAL', (host) =>
        host.sendProcessSignal({ name: '', uuid }, 1, Signal.kill),
      ),
  );
}

/**
 * The interface of a container goes with its process; what libvirt lists of a container whose process is gone unnoticed has
 * none any more, and asking about it is an internal error (lxc-host.md, 5 and 14).
 */
async function hasVanished(session: Session, uuid: string, mac: string): Promise<boolean> {
  try {
    await onSession(session, 'DOMAIN_INTERFACE_STATS', (host) => host.interfaceStats({ name: '', uuid }, mac));
    return false;
  } catch (error) {
    if (error instanceof LibvirtError && error.kind === 'internal') return true;
    if (error instanceof LibvirtError && error.code !== 0) return false;
    throw error;
  }
}

function readShutoff(reason: number): Found {
  switch (reason) {
    case ShutoffReason.unknown:
      return { kind: 'never-run' };
    case ShutoffReason.failed:
      return { kind: 'start-failed' };
    default:
      return endedBy(reason);
  }
}

import { domainXml } from '#controller/domain/xml.ts';
import type { DomainPlan } from '#controller/domain/xml.ts';
import { LibvirtError, ShutoffReason } from '#controller/libvirt/index.ts';
import { onSession, unless } from '../session.ts';
import type { Session } from '../session.ts';
import type { Found, HostTrace, StartAnswer } from '../trace.ts';
import { endedBy, list, observe, unanswered, whyRefused, shutdown } from './common.ts';

/**
 * Xen: transient, preserved when it ends. Nothing is added on the way to started; end and reason stay in Xen, also through
 * a restart of libvirtd; destroy is the acknowledgement. facts/xen-rig.md, "Transient with preserve".
 */
export function createXenTrace(session: Session, poke: (session: Session) => Promise<void>): HostTrace {
  return {
    outlivesDaemon: true,
    start: (plan) => start(session, plan),
    // A transient domain is never defined, so there is none that was found 'never-run'.
    startDefined: () => Promise.resolve({ kind: 'exists' }),
    observe: (uuid) => observe(session, uuid, readShutoff),
    shutdown: (uuid, timeoutMs) => shutdown(session, uuid, timeoutMs),
    destroy: (uuid) => destroy(session, uuid),
    acknowledge: (uuid) => destroy(session, uuid),
    // One that has ended and is preserved keeps its number.
    list: () => list(session, readShutoff, () => false),
    settle: () => poke(session),
    hasVanished: () => Promise.resolve(false),
  };
}

function destroy(session: Session, uuid: string): Promise<void> {
  return unless(['no-domain'], () => onSession(session, 'DOMAIN_DESTROY', (host) => host.destroy({ name: '', uuid })));
}

async function start(session: Session, plan: DomainPlan): Promise<StartAnswer> {
  try {
    const xml = domainXml('xen', plan);
    const domain = await onSession(session, 'DOMAIN_CREATE_XML', (host) => host.createXml(xml));
    return { kind: 'started', id: domain.id };
  } catch (error) {
    if (!(error instanceof LibvirtError)) throw error;
    return unanswered(error) ?? whyRefused(session, plan.uuid, plan.name, error);
  }
}

function readShutoff(reason: number): Found {
  return reason === ShutoffReason.unknown ? { kind: 'creating' } : endedBy(reason);
}

import type { HostConfig } from '#controller/domain/hostspec.ts';
import type { HypervisorKind } from '#controller/domain/xml.ts';
import type { KubeLogger } from '#controller/kube/index.ts';
import { LibvirtError } from '#controller/libvirt/index.ts';
import type { StoragePool } from '#controller/libvirt/index.ts';
import type { HostIdentity } from './decide.ts';
import { poke } from './poke.ts';
import { EVERY_TYPE, readCapabilities } from './capabilities.ts';
import type { DomainType } from './capabilities.ts';
import { HostFault, imagePool } from './pool.ts';
import { onSession } from './session.ts';
import type { Session } from './session.ts';
import type { HostTrace, Listed } from './trace.ts';
import { createLxcTrace, createTestTrace } from './traces/persistent.ts';
import { createXenTrace } from './traces/xen.ts';

/** What a first look at a host found, all on one session. */
export interface Contact {
  readonly session: Session;
  readonly trace: HostTrace;
  readonly identity: HostIdentity;
  readonly pool: StoragePool;
  readonly listed: readonly Listed[];
  /**
   * Why ends that the daemon missed could not be settled, such as no memory left for the poke; tried again at each regular
   * look. Until then an end of which nobody told may still read as running.
   */
  unsettled: string | undefined;
  /** CPUs of the host. */
  readonly vcpus: number;
  /** All memory, KiB; on Xen what is neither free nor a domain's is the hypervisor's own, and not counted. */
  readonly memoryKiB: (takenKiB: number) => number;
  readonly version: string;
  readonly libvirtVersion: string;
  /** Types of domain that the host takes, in the words of spec.domain.type. */
  readonly domainTypes: readonly DomainType[];
}

const TYPES: Readonly<Record<HypervisorKind, string>> = { xen: 'Xen', lxc: 'LXC', test: 'TEST' };

/** Name of a hypervisor as libvirt has it, for DomainHost status. */
export function hypervisorType(kind: HypervisorKind): string {
  return TYPES[kind];
}

/**
 * Finds out who the host is, settles what its daemon missed, and lists. `boot`: what an earlier contact on this session
 * found, since the host cannot have been booted while its connection stood. Throws LibvirtError or HostFault.
 */
export async function makeContact(session: Session, config: HostConfig, boot?: string): Promise<Contact> {
  const { kind } = config.uri;
  const capabilities = readCapabilities(
    await onSession(session, 'CONNECT_GET_CAPABILITIES', (host) => host.getCapabilities()),
  );
  if (!capabilities.types.has(kind)) {
    const types = [...capabilities.types].join(', ');
    throw new HostFault(
      'UnsupportedHost',
      `spec.uri says ${kind}, but libvirtd there runs ${types === '' ? 'nothing' : types}`,
    );
  }
  const pool = await imagePool(session, config.imageDirectory, boot);
  const trace = traceOf(session, kind, pool, config.imageDirectory);
  const unsettled = await trySettle(trace);
  const listed = await trace.list();
  const [info, free, version, libvirtVersion] = await Promise.all([
    onSession(session, 'NODE_GET_INFO', (host) => host.nodeGetInfo()),
    kind === 'xen' ? onSession(session, 'NODE_GET_FREE_MEMORY', (host) => host.nodeGetFreeMemory()) : undefined,
    onSession(session, 'CONNECT_GET_VERSION', (host) => host.getVersion()),
    onSession(session, 'CONNECT_GET_LIB_VERSION', (host) => host.getLibVersion()),
  ]);
  const identity = { boot: pool.uuid, daemon: capabilities.daemon, outlivesDaemon: trace.outlivesDaemon };
  return {
    session,
    trace,
    identity,
    pool,
    listed,
    unsettled,
    vcpus: info.cpus,
    memoryKiB: (takenKiB) => (free === undefined ? info.memory : takenKiB + Math.floor(free / 1024)),
    version: version.text,
    libvirtVersion: libvirtVersion.text,
    domainTypes: kind === 'xen' ? capabilities.xenTypes : EVERY_TYPE,
  };
}

/** Tries again to settle what could not be settled before. Throws LibvirtError where the host gave no answer. */
export async function settleMissed(contact: Contact, host: string, logger: KubeLogger): Promise<void> {
  if (contact.unsettled === undefined) return;
  logger.warn('Missed ends are not settled yet', { host, why: contact.unsettled });
  contact.unsettled = await trySettle(contact.trace);
}

/** Why it could not be settled; undefined: it is. Throws LibvirtError where the host gave no answer. */
async function trySettle(trace: HostTrace): Promise<string | undefined> {
  try {
    await trace.settle();
    return undefined;
  } catch (error) {
    if (!(error instanceof LibvirtError) || error.code === 0) throw error;
    return error.message;
  }
}

function traceOf(session: Session, kind: HypervisorKind, pool: StoragePool, imageDirectory: string): HostTrace {
  switch (kind) {
    case 'xen':
      return createXenTrace(session, () => poke(session, pool, imageDirectory));
    case 'lxc':
      return createLxcTrace(session);
    case 'test':
      return createTestTrace(session);
  }
}

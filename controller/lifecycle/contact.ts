import type { HostConfig } from '#controller/domain/hostspec.ts';
import type { HypervisorKind } from '#controller/domain/xml.ts';
import { sleep } from '#controller/kube/index.ts';
import type { Clock } from '#controller/kube/index.ts';
import { LibvirtError } from '#controller/libvirt/index.ts';
import type { StoragePool } from '#controller/libvirt/index.ts';
import type { HostIdentity } from './decide.ts';
import { poke } from './poke.ts';
import { HostFault, imagePool, readCapabilities } from './pool.ts';
import { isCurrent, onSession } from './session.ts';
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
}

const TYPES: Readonly<Record<HypervisorKind, string>> = { xen: 'Xen', lxc: 'LXC', test: 'TEST' };

/** Name of a hypervisor as libvirt has it, for DomainHost status. */
export function hypervisorType(kind: HypervisorKind): string {
  return TYPES[kind];
}

/** Finds out who the host is, settles what its daemon missed, and lists. Throws LibvirtError or HostFault. */
export async function makeContact(session: Session, config: HostConfig): Promise<Contact> {
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
  const pool = await imagePool(session, config.imageDirectory);
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
  };
}

/** Why it could not be settled; undefined: it is. Throws LibvirtError where the host gave no answer. */
export async function trySettle(trace: HostTrace): Promise<string | undefined> {
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

const RETRY_MS = { min: 500, max: 10_000 };

/**
 * Does what comes first on a new session, again and again while that stands, until it succeeds. `failed` is told why it did
 * not, with the reason for the DomainHost; whatever that is: one host's trouble must not end the others.
 */
export async function untilSettled(
  session: Session,
  settle: () => Promise<void>,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
  failed: (reason: string, error: unknown) => void,
): Promise<void> {
  for (let pause = RETRY_MS.min; !signal.aborted && isCurrent(session); pause = Math.min(pause * 2, RETRY_MS.max)) {
    try {
      await settle();
      return;
    } catch (error) {
      if (!isCurrent(session)) return;
      failed(error instanceof HostFault ? error.reason : 'Settling', error);
      await sleep(clock, pause, signal);
    }
  }
}

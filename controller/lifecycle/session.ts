import type { Domain, Hypervisor } from '#controller/libvirt/index.ts';
import { LibvirtError } from '#controller/libvirt/index.ts';

/**
 * One connection of a host. What was decided on one session must not be sent on the next: the host may have been rebooted
 * in between, and a trace that was looked for and not found would be gone for another reason.
 */
export interface Session {
  readonly hypervisor: Hypervisor;
  /** Of the hypervisor, see SessionInfo. */
  readonly generation: number;
  /** Monotonic ms at which it began. */
  readonly since: number;
}

/** Whether the session is still the one there is. */
export function isCurrent({ hypervisor, generation }: Session): boolean {
  return hypervisor.session?.generation === generation;
}

/** Makes a call on this session, or fails as if its connection were lost, with nothing sent. */
export function onSession<T>(
  session: Session,
  procedure: string,
  call: (hypervisor: Hypervisor) => Promise<T>,
): Promise<T> {
  if (isCurrent(session)) return call(session.hypervisor);
  return Promise.reject(
    new LibvirtError('the connection that this was decided on is gone', {
      kind: 'not-connected',
      uri: session.hypervisor.uri,
      procedure,
      mayHaveRun: false,
    }),
  );
}

/** The domain of a UUID; undefined where the host has none. */
export async function findByUuid(session: Session, uuid: string): Promise<Domain | undefined> {
  return orUndefined('no-domain', () => onSession(session, 'DOMAIN_LOOKUP_BY_UUID', (host) => host.lookupByUuid(uuid)));
}

/** The domain of a name; undefined where the host has none. */
export async function findByName(session: Session, name: string): Promise<Domain | undefined> {
  return orUndefined('no-domain', () => onSession(session, 'DOMAIN_LOOKUP_BY_NAME', (host) => host.lookupByName(name)));
}

/** The answer, or undefined where the daemon's error is of this kind. */
export async function orUndefined<T>(kind: LibvirtError['kind'], call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof LibvirtError && error.kind === kind) return undefined;
    throw error;
  }
}

/** Runs a call whose error of one of these kinds means that there was nothing left to do. */
export async function unless(kinds: readonly LibvirtError['kind'][], call: () => Promise<unknown>): Promise<void> {
  try {
    await call();
  } catch (error) {
    if (!(error instanceof LibvirtError) || !kinds.includes(error.kind)) throw error;
  }
}

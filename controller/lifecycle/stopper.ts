import type { HostConsoles } from '#controller/console/index.ts';
import type { KubeLogger } from '#controller/kube/index.ts';
import { LibvirtError } from '#controller/libvirt/index.ts';
import type { Contact } from './contact.ts';
import type { HostState } from './host-state.ts';
import type { Tracked } from './tracked.ts';

/** Shutdown is a call that may take long: its answer is waited for no longer than this, whatever the grace. */
const LONGEST_ANSWER_MS = 10_000;

interface StopperParts {
  readonly state: HostState;
  readonly logger: KubeLogger;
}

/**
 * Asks a domain to shut down, once on a connection. A host that says no is not asked again: the domain has its grace all the
 * same. Returns whether the host was asked; where nothing was sent it may be asked again.
 */
export async function askToShutDown(
  { state, logger }: StopperParts,
  contact: Contact,
  tracked: Tracked,
  withinMs: number,
): Promise<boolean> {
  const { uuid, owner } = tracked;
  tracked.shutdownAsked = true;
  try {
    await contact.trace.shutdown(uuid, Math.min(withinMs, LONGEST_ANSWER_MS));
    logger.info('A domain is asked to shut down', { ...owner, uuid, host: state.name });
  } catch (error) {
    if (!(error instanceof LibvirtError)) throw error;
    tracked.shutdownAsked = error.code !== 0 || error.mayHaveRun;
    logger.warn('A domain could not be asked to shut down', { ...owner, uuid, host: state.name, error: error.message });
  }
  return tracked.shutdownAsked;
}

/** Ends a domain that has had its grace; what became of it is looked at after that. Throws LibvirtError. */
export async function destroyAfterGrace(
  { state, logger, consoles }: StopperParts & { readonly consoles: Pick<HostConsoles, 'leave'> },
  contact: Contact,
  tracked: Tracked,
): Promise<void> {
  const { uuid, owner } = tracked;
  logger.info('A domain has not shut down within its grace and is destroyed', { ...owner, uuid, host: state.name });
  await consoles.leave(uuid);
  await contact.trace.destroy(uuid);
  // An event may have told of the end before the answer came.
  if (tracked.found?.kind !== 'ended') tracked.found = undefined;
}

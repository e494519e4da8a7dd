import { isFinished } from '#controller/api/index.ts';
import type { EphemeralDomain } from '#controller/api/index.ts';
import type { ConsoleSink, FollowAnswer, HostConsoles } from '#controller/console/index.ts';
import type { Store } from '#controller/kube/index.ts';
import { LibvirtError } from '#controller/libvirt/index.ts';
import type { ConsoleStream } from '#controller/libvirt/index.ts';
import { bindingOf } from './attempt.ts';
import { captureBytesOf } from './console-tail.ts';
import { currentContact } from './host-state.ts';
import type { HostState } from './host-state.ts';
import { onSession } from './session.ts';

/** What came of the wish to read the console of an EphemeralDomain. */
export type ConsoleAnswer = FollowAnswer | { readonly kind: 'not-found' };

/** Reads consoles by the names of their resources. Whether the reader may is not asked here. */
export interface ConsoleSource {
  /**
   * Hands on what is kept of a domain's output and, with `live`, what comes, until it has ended. Rejects with nothing that
   * a host or a name could bring about.
   */
  readConsole(key: string, sink: ConsoleSink, live: boolean): Promise<ConsoleAnswer>;
}

/** A host as far as its consoles go. */
export interface ConsoleHost {
  readonly state: HostState;
  readonly consoles: HostConsoles;
}

/** The source over what the controller knows. */
export function createConsoleSource(
  domains: Pick<Store<EphemeralDomain>, 'get'>,
  hostOf: (name: string) => ConsoleHost | undefined,
): ConsoleSource {
  return {
    readConsole: async (key, sink, live) => {
      const resource = domains.get(key);
      if (resource === undefined) return { kind: 'not-found' };
      const binding = bindingOf(resource);
      if (binding === undefined) return { kind: 'no-console', why: whyUnbound(resource) };
      const host = hostOf(binding.host);
      if (host === undefined || currentContact(host.state) === undefined) {
        return { kind: 'unavailable', why: `its host ${binding.host} does not answer: try again later` };
      }
      const found = host.state.domains.get(binding.uuid)?.found;
      if (found?.kind === 'active') {
        return host.consoles.follow(binding.uuid, captureBytesOf(resource), sink, live);
      }
      const why = found?.kind === 'ended' ? 'it has ended' : 'it is not running yet: try again when it is';
      return { kind: 'no-console', why };
    },
  };
}

function whyUnbound({ status }: EphemeralDomain): string {
  if (!isFinished(status?.phase)) return 'it is not running yet: try again when it is';
  return 'it has ended; what was captured of its console (spec.domain.console.captureBytes) stands in status.consoleTail';
}

const OPEN_TIMEOUT_MS = 10_000;

/** Opens a domain's console on the session that there is. Rejects with LibvirtError. */
export async function openConsole({ config, contact }: HostState, uuid: string): Promise<ConsoleStream> {
  const procedure = 'DOMAIN_OPEN_CONSOLE';
  if (contact === undefined) {
    const details = { kind: 'not-connected', uri: config.uri.text, procedure, mayHaveRun: false } as const;
    throw new LibvirtError('no contact yet', details);
  }
  const options = { timeoutMs: OPEN_TIMEOUT_MS };
  return onSession(contact.session, procedure, (host) => host.openConsole({ name: '', uuid }, {}, options));
}

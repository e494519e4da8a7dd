import type { LibvirtError, Observer, SessionInfo } from '#controller/libvirt/index.ts';
import type { HostState } from './host-state.ts';
import { takeEvent } from './intake.ts';
import type { Moment } from './intake.ts';
import { hearEnded } from './tracked.ts';

export interface HostObserverParts {
  readonly state: HostState;
  readonly moment: () => Moment;
  readonly changed: (uuid: string) => void;
  readonly connected: (info: SessionInfo) => void;
  readonly disconnected: (error: LibvirtError) => void;
  readonly notReady: (reason: string, message: string) => void;
}

/** Takes in what a host's connection tells. */
export function observeHost(parts: HostObserverParts): Observer {
  const { state } = parts;
  return {
    onConnected: parts.connected,
    onDisconnected: parts.disconnected,
    onConnectFailed: (error) => {
      if (state.silentSince !== undefined) parts.notReady(reasonOf(error), error.message);
    },
    onLifecycle: (event) => parts.changed(takeEvent(state, event, parts.moment()).uuid),
    onReboot: ({ domain }) => {
      // Xen preserves a domain that reboots and tells of its stop; elsewhere it is up again and must be ended.
      const tracked = state.domains.get(domain.uuid);
      if (tracked === undefined || state.config.uri.kind === 'xen') return;
      hearEnded(tracked, 'reboot', parts.moment().wall);
      parts.changed(domain.uuid);
    },
  };
}

/** Why a host is not Ready, by what befell the connection. */
export function reasonOf(error: LibvirtError): string {
  return error.kind === 'tls' || error.kind === 'auth-failed' || error.kind === 'access-denied'
    ? 'AuthenticationFailed'
    : 'Unreachable';
}

import { randomUUID } from 'node:crypto';
import { connect, LibvirtError } from '#controller/libvirt/index.ts';
import type { Bed } from '../bed/bed.ts';
import { processStat } from '../bed/identity.ts';
import { runningIdentity, signalProcess, stopProcess, waitFor } from '../bed/process.ts';
import type { DaemonControl } from './host.ts';

/** What a libvirtd of a test bed is told in its libvirtd.conf. */
export interface LibvirtdSettings {
  /** Folder of its sockets; who may enter it may do everything with the daemon. */
  readonly socketFolder: string;
  /** Connections that it takes. */
  readonly maxClients: number;
}

/**
 * The text of a libvirtd.conf. Each call draws a new host UUID: the controller tells by it whether the daemon that it
 * speaks to is the one that it spoke to before, so it must be written anew at each start.
 */
export function libvirtdConf(settings: LibvirtdSettings): string {
  return [
    `unix_sock_dir = "${settings.socketFolder}"`,
    // The folder's own permissions say who may connect.
    'unix_sock_rw_perms = "0777"',
    'auth_unix_ro = "none"',
    'auth_unix_rw = "none"',
    `host_uuid = "${randomUUID()}"`,
    `max_clients = ${settings.maxClients}`,
    `max_queued_clients = ${settings.maxClients}`,
    'log_level = 3',
    'log_outputs = "3:stderr"',
    'audit_level = 0',
    '',
  ].join('\n');
}

/** How tests harm and heal the daemon whose process is `name`; `start` starts it and resolves when it answers. */
export function daemonControl(bed: Bed, name: string, start: () => Promise<void>): DaemonControl {
  const signal = async (what: NodeJS.Signals, stopped: boolean): Promise<void> => {
    const identity = await runningIdentity(bed, name);
    if (identity === undefined) throw new Error(`${name}: its daemon does not run, so it cannot be sent ${what}`);
    signalProcess(identity, what);
    const settled = (): boolean => (processStat(identity.pid)?.state === 'T') === stopped;
    await waitFor(`${name} has heeded ${what}`, settled, { timeoutMs: 5000, intervalMs: 5 });
  };
  const terminate = async (): Promise<void> => {
    const identity = await runningIdentity(bed, name);
    // A paused process would take the SIGTERM only after it goes on.
    if (identity !== undefined) signalProcess(identity, 'SIGCONT');
    await stopProcess(bed, name);
  };
  return {
    kill: () => stopProcess(bed, name, { signal: 'SIGKILL' }),
    terminate,
    start,
    restart: async () => {
      await terminate();
      await start();
    },
    pause: () => signal('SIGSTOP', true),
    resume: () => signal('SIGCONT', false),
  };
}

/** Whether a daemon answers at a URI: tries for a second. */
export async function answers(uri: string): Promise<boolean> {
  const hypervisor = connect({ uri, backoff: { minMs: 5, maxMs: 50 } });
  try {
    await hypervisor.connected(1000);
    return true;
  } catch (error) {
    if (error instanceof LibvirtError) return false;
    throw error;
  } finally {
    await hypervisor.close();
  }
}

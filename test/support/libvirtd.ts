import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, rmSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { eventually } from '#test/support/eventually.ts';

/** How a daemon of a test's own is to be. */
export interface LibvirtdOptions {
  /** Lines of libvirtd.conf beyond its socket; text is quoted. */
  readonly settings?: Readonly<Record<string, string | number>>;
  /** Listens on TCP, TLS or both, as the settings say. */
  readonly listen?: boolean;
}

/**
 * A libvirtd with the test driver alone, in a folder of its own under the system's temporary one. The daemon forgets
 * all domains when it ends, and test:///default when its last connection closes.
 */
export interface Libvirtd {
  readonly folder: string;
  readonly socket: string;
  /** test+unix:///default over its socket. */
  readonly uri: string;
  /** Of the daemon that runs, or ran last. */
  readonly pid: number;
  /** Starts one that was killed or terminated; resolves when it takes connections. */
  start(): Promise<void>;
  /** SIGKILL; resolves when it is gone. Its socket's file stays. */
  kill(): Promise<void>;
  /** SIGTERM; resolves when it is gone. */
  terminate(): Promise<void>;
  /** SIGSTOP. */
  pause(): void;
  /** SIGCONT. */
  resume(): void;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
  /** What it has logged so far. */
  log(): Promise<string>;
}

/** A TCP port of the loopback that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('a server on a port has an address');
  return address.port;
}

/** Makes and starts one. Whoever does so stops it. */
export async function startLibvirtd(options: LibvirtdOptions = {}): Promise<Libvirtd> {
  const folder = await mkdtemp(join(tmpdir(), 'hatchery-libvirtd-'));
  const daemon = new Daemon(folder, options.listen ?? false);
  await mkdir(join(folder, 'drivers'));
  await writeFile(join(folder, 'libvirtd.conf'), configuration(folder, options.settings ?? {}));
  await daemon.start();
  return daemon;
}

function configuration(folder: string, settings: Readonly<Record<string, string | number>>): string {
  const all: Readonly<Record<string, string | number>> = {
    unix_sock_dir: folder,
    auth_unix_rw: 'none',
    auth_unix_ro: 'none',
    listen_tls: 0,
    listen_tcp: 0,
    log_outputs: '3:stderr',
    ...settings,
  };
  return Object.entries(all)
    .map(([key, value]) => `${key} = ${typeof value === 'number' ? value : JSON.stringify(value)}\n`)
    .join('');
}

class Daemon implements Libvirtd {
  readonly folder: string;
  readonly socket: string;
  readonly uri: string;
  readonly #listen: boolean;
  #child: ChildProcess | undefined;
  #pid = 0;
  readonly #endWithUs = (): void => {
    this.#child?.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  };

  constructor(folder: string, listen: boolean) {
    this.folder = folder;
    this.socket = join(folder, 'libvirt-sock');
    this.uri = `test+unix:///default?socket=${this.socket}`;
    this.#listen = listen;
    process.on('exit', this.#endWithUs);
  }

  get pid(): number {
    return this.#pid;
  }

  async start(): Promise<void> {
    const { folder } = this;
    const log = createWriteStream(join(folder, 'log'), { flags: 'a' });
    await once(log, 'open');
    const child = spawn(
      'libvirtd',
      [...(this.#listen ? ['-l'] : []), '-f', join(folder, 'libvirtd.conf'), '-p', join(folder, 'pid')],
      {
        stdio: ['ignore', log, log],
        // No hypervisor's module: the test driver is built in. The XDG folders are for daemons that are not root's.
        env: {
          ...process.env,
          LIBVIRT_DRIVER_DIR: join(folder, 'drivers'),
          XDG_RUNTIME_DIR: join(folder, 'runtime'),
          XDG_CONFIG_HOME: join(folder, 'config'),
          XDG_CACHE_HOME: join(folder, 'cache'),
        },
      },
    );
    log.close();
    await once(child, 'spawn');
    this.#child = child;
    this.#pid = child.pid ?? 0;
    await eventually(() => this.#answers(child), { timeoutMs: 20_000, intervalMs: 5 });
  }

  async #answers(child: ChildProcess): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`libvirtd ended:\n${await this.log()}`);
    const socket = connect(this.socket);
    try {
      await once(socket, 'connect');
    } finally {
      socket.destroy();
    }
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async terminate(): Promise<void> {
    await this.#end('SIGTERM');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    // A paused process would take a SIGTERM only after it goes on; before a SIGKILL it must not go on.
    if (signal !== 'SIGKILL') child.kill('SIGCONT');
    child.kill(signal);
    await gone;
  }

  pause(): void {
    this.#child?.kill('SIGSTOP');
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  async stop(): Promise<void> {
    await this.#end('SIGKILL');
    process.off('exit', this.#endWithUs);
    rmSync(this.folder, { recursive: true, force: true });
  }

  async log(): Promise<string> {
    return readFile(join(this.folder, 'log'), 'utf8');
  }
}

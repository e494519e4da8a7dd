import { execFile, spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { promisify } from 'node:util';

import { startLibvirtd } from '#test/support/libvirtd.ts';
import type { Libvirtd } from '#test/support/libvirtd.ts';

export type ContenderName = 'ours' | 'python' | 'c';

const SLOWEST_ANSWER_MS = 20_000;

/** The three programs that main.ts compares; the C one is compiled into `folder`. */
export const prepareCommands = async (
  folder: string,
): Promise<Readonly<Record<ContenderName, readonly [string, ...string[]]>>> => {
  const here = import.meta.dirname;
  const program = join(folder, 'cycles');
  const source = join(here, 'cycles.c');
  await promisify(execFile)('gcc', ['-O2', '-o', program, source, '-lvirt', '-lpthread'], { timeout: 60_000 });
  return {
    ours: [process.execPath, join(here, 'cycles.ts')],
    python: ['/usr/bin/python3', join(here, 'cycles.py')],
    c: [program],
  };
};

/**
 * A client of libvirt that stays connected to a daemon of its own: events go to every connection that registers, so
 * with one daemon for all each would have to read what the others caused.
 */
export class Contender {
  readonly name: ContenderName;
  readonly #daemon: Libvirtd;
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;

  private constructor(name: ContenderName, daemon: Libvirtd, command: readonly [string, ...string[]]) {
    const [program, ...args] = command;
    this.name = name;
    this.#daemon = daemon;
    this.#child = spawn(program, [...args, daemon.uri], { stdio: ['pipe', 'pipe', 'inherit'] });
    process.once('exit', () => this.#child.kill('SIGKILL'));
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  static async start(name: ContenderName, command: readonly [string, ...string[]]): Promise<Contender> {
    // Its bounds on connections, requests and workers are the daemon's own defaults.
    const daemon = await startLibvirtd();
    return new Contender(name, daemon, command);
  }

  /** Cycles per second with so many in flight, over `ms`. */
  async run(inFlight: number, ms: number): Promise<number> {
    this.#child.stdin.write(`${inFlight} ${ms}\n`);
    const overdue = setTimeout(() => this.#child.kill('SIGKILL'), ms + SLOWEST_ANSWER_MS);
    const line = await this.#lines.next();
    clearTimeout(overdue);
    if (line.done === true) throw new Error(`${this.name} ended in a run of ${inFlight} in flight`);
    const { cycles, seconds } = JSON.parse(line.value) as { readonly cycles: number; readonly seconds: number };
    return cycles / seconds;
  }

  async stop(): Promise<void> {
    const { exitCode, signalCode } = this.#child;
    if (exitCode === null && signalCode === null) {
      const gone = once(this.#child, 'exit');
      this.#child.kill('SIGKILL');
      await gone;
    }
    await this.#daemon.stop();
  }
}

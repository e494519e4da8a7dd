import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import { ownerEnvironment, spawnIdentity } from './owner.ts';
import type { Owner } from './owner.ts';
import { currentSignal } from './interrupt.ts';

/** Why a command did not do its work; `reason` says how it ended. */
export type CommandFailure =
  | { readonly kind: 'exit'; readonly code: number }
  | { readonly kind: 'signal'; readonly signal: NodeJS.Signals }
  | { readonly kind: 'timeout'; readonly milliseconds: number }
  | { readonly kind: 'spawn'; readonly code: string };

/** A command that failed; the message names the command, how it ended, and the tail of what it said. */
export class CommandError extends Error {
  readonly argv: readonly string[];
  readonly failure: CommandFailure;
  readonly stdout: string;
  readonly stderr: string;

  constructor(argv: readonly string[], failure: CommandFailure, output: CommandOutput) {
    const said = tail(output.stderr.trim() === '' ? output.stdout : output.stderr, 12);
    super(`${argv.join(' ')}: ${describeFailure(failure)}${said === '' ? '' : `\n${said}`}`);
    this.name = 'CommandError';
    this.argv = argv;
    this.failure = failure;
    this.stdout = output.stdout;
    this.stderr = output.stderr;
  }
}

/** What a command wrote. */
export interface CommandOutput {
  readonly stdout: string;
  readonly stderr: string;
}

/** How to run a command. */
export interface RunOptions {
  readonly timeoutMs: number;
  readonly input?: string | Buffer;
  /** Added to this process' own environment; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** Runs as this user, with that user's HOME; of effect only for root. */
  readonly owner?: Owner;
  /** Told each line that the command writes, while it runs. */
  readonly onLine?: (line: string) => void;
}

/** The last lines of a text. */
export function tail(content: string, lines: number): string {
  return content.trimEnd().split('\n').slice(-lines).join('\n');
}

/**
 * Runs a command to its end. It gets a session of its own, so that Ctrl-C at the terminal reaches this program alone,
 * which then ends the command in order. A command that runs out of time, or whose caller is interrupted, gets SIGTERM
 * and 3 s later SIGKILL, with all of its process group.
 */
export async function run(argv: readonly string[], options: RunOptions): Promise<CommandOutput> {
  const [command, ...args] = argv;
  if (command === undefined) throw new TypeError('run: empty argv');
  const interrupt = currentSignal();
  interrupt?.throwIfAborted();
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...process.env, ...ownerEnvironment(options.owner), ...options.env },
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
    ...spawnIdentity(options.owner),
  });
  if (options.onLine !== undefined) forwardLines(child, options.onLine);
  // A command that does not read its input ends before all was written: its exit status tells, not EPIPE.
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');

  const ending = endInTime(child, options.timeoutMs, interrupt);
  const output = Promise.all([collect(child.stdout), collect(child.stderr)]);
  const failure = await ending;
  const timer = setTimeout(() => {
    child.stdout.destroy();
    child.stderr.destroy();
  }, OUTPUT_MS);
  const [stdout, stderr] = await output;
  clearTimeout(timer);
  interrupt?.throwIfAborted();
  if (failure !== undefined) throw new CommandError(argv, failure, { stdout, stderr });
  return { stdout, stderr };
}

/** How long a process that a command left in the background may hold its output open. */
const OUTPUT_MS = 2000;

/** All that a stream brings until it ends or is destroyed. */
function collect(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  return new Promise((resolve) => {
    stream.once('close', () => {
      resolve(Buffer.concat(chunks).toString());
    });
  });
}

function endInTime(
  child: ChildProcess,
  timeoutMs: number,
  interrupt: AbortSignal | undefined,
): Promise<CommandFailure | undefined> {
  return new Promise((resolve) => {
    let late = false;
    const end = (): void => {
      killGroup(child, 'SIGTERM');
      killTimer = setTimeout(() => killGroup(child, 'SIGKILL'), 3000);
    };
    let killTimer: NodeJS.Timeout | undefined;
    const timer = setTimeout(() => {
      late = true;
      end();
    }, timeoutMs);
    interrupt?.addEventListener('abort', end);
    const settle = (failure: CommandFailure | undefined): void => {
      clearTimeout(timer);
      clearTimeout(killTimer);
      interrupt?.removeEventListener('abort', end);
      resolve(failure);
    };
    child.on('error', (error: NodeJS.ErrnoException) => {
      settle({ kind: 'spawn', code: error.code ?? error.message });
    });
    child.on('exit', (code, signal) => {
      // What the command left behind in its group must not hold the pipes open.
      if (late || interrupt?.aborted === true) killGroup(child, 'SIGKILL');
      if (late) settle({ kind: 'timeout', milliseconds: timeoutMs });
      else if (signal !== null) settle({ kind: 'signal', signal });
      else settle(code === 0 ? undefined : { kind: 'exit', code: code ?? -1 });
    });
  });
}

/** Signals a child that was spawned detached, and all that it started. */
export function killGroup(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function forwardLines(child: ChildProcess, onLine: (line: string) => void): void {
  for (const stream of [child.stdout, child.stderr]) {
    let rest = '';
    stream?.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split(/[\r\n]+/);
      rest = (lines.pop() ?? '').slice(-4096);
      for (const line of lines) if (line !== '') onLine(line);
    });
  }
}

function describeFailure(failure: CommandFailure): string {
  switch (failure.kind) {
    case 'exit':
      return `exit status ${failure.code}`;
    case 'signal':
      return `ended by ${failure.signal}`;
    case 'timeout':
      return `not done after ${failure.milliseconds / 1000} s`;
    case 'spawn':
      return `cannot be started (${failure.code})`;
  }
}

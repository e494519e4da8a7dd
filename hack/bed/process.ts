import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bed } from './bed.ts';
import { isSameProcess, processIdentity } from './identity.ts';
import type { ProcessIdentity } from './identity.ts';
import { pause, throwIfInterrupted } from './interrupt.ts';
import { actsForAnother, ownerEnvironment, spawnIdentity, writeOwnedFile } from './owner.ts';
import { tail } from './run.ts';
import { weighSession } from './weight.ts';

/** Variable that stands in the environment of everything a bed starts: what has no pid file is found by it. */
export const BED_VARIABLE = 'HATCHERY_BED';

/** A process that outlives the program which starts it. */
export interface ProcessOptions {
  /** Name of its log and pid file: etcd, controller, xen-1, … */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Added to this process' own environment; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** Runs as the owner of the checkout where this program is root. */
  readonly asOwner?: boolean;
  /**
   * Argv of a program that enters namespaces and then execs its arguments in the same process (nsenter and unshare
   * without --fork and --pid), so that the pid is the command's own.
   */
  readonly wrap?: readonly string[];
  /** Nice value of its session among all of the machine; what it inherits unless said. */
  readonly nice?: number | undefined;
}

/** How stopProcess() ends a process: SIGTERM and 10 s, unless told otherwise; SIGKILL after. */
export interface StopOptions {
  readonly signal?: NodeJS.Signals;
  readonly graceMs?: number;
}

/** A condition that did not come in time, or whose process ended. */
export class WaitError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'WaitError';
  }
}

/**
 * Starts a process in a session of its own. Output goes to logs/NAME.log (appended), the pid to run/NAME.pid. Resolves
 * once it was started; refuses where one of that name runs.
 */
export async function startProcess(bed: Bed, options: ProcessOptions): Promise<{ readonly pid: number }> {
  throwIfInterrupted();
  const running = await runningIdentity(bed, options.name);
  if (running !== undefined) throw new Error(`${options.name} runs already, as process ${running.pid}`);
  const log = await open(logPath(bed, options.name), 'a');
  try {
    if (actsForAnother(bed.owner)) await log.chown(bed.owner.uid, bed.owner.gid);
    const owner = options.asOwner === true ? bed.owner : undefined;
    const [command, ...args] = processArgv(bed, options);
    const child = spawn(command, args, {
      cwd: options.cwd ?? bed.root,
      env: { ...process.env, ...ownerEnvironment(owner), ...options.env, [BED_VARIABLE]: bed.id },
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
      ...(options.wrap === undefined ? spawnIdentity(owner) : {}),
    });
    const spawned = once(child, 'spawn');
    await spawned;
    const { pid } = child;
    if (pid === undefined) throw new Error(`${options.name}: started without a process number`);
    child.unref();
    await recordProcess(bed, options.name, pid);
    if (options.nice !== undefined) await weighSession(pid, options.nice);
    return { pid };
  } finally {
    await log.close();
  }
}

/** Writes the pid file of a process that the caller started by other means. */
export async function recordProcess(bed: Bed, name: string, pid: number): Promise<void> {
  const identity = processIdentity(pid);
  await writeOwnedFile(bed.owner, identityPath(bed, name), `${JSON.stringify(identity)}\n`);
  // Written beside and renamed: a reader sees a whole number or no file.
  const fresh = `${pidPath(bed, name)}.new`;
  await writeOwnedFile(bed.owner, fresh, `${pid}\n`);
  await rename(fresh, pidPath(bed, name));
}

/** Ends a process of the bed and everything about it in run/; its log stays. Idempotent. */
export async function stopProcess(bed: Bed, name: string, options: StopOptions = {}): Promise<void> {
  const identity = await runningIdentity(bed, name);
  if (identity !== undefined) await endProcess(identity, options);
  await rm(pidPath(bed, name), { force: true });
  await rm(identityPath(bed, name), { force: true });
}

/** Ends one process, by SIGKILL where it does not heed the signal; resolves once it is gone. */
export async function endProcess(identity: ProcessIdentity, options: StopOptions = {}): Promise<void> {
  signalProcess(identity, options.signal ?? 'SIGTERM');
  if (await goneWithin(identity, options.graceMs ?? 10_000)) return;
  signalProcess(identity, 'SIGKILL');
  if (await goneWithin(identity, 10_000)) return;
  throw new WaitError(`process ${identity.pid} does not end, not even by SIGKILL`);
}

/** Sends a signal to that very process; no effect where it is gone. */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): void {
  if (!isSameProcess(identity)) return;
  try {
    process.kill(identity.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Whether the process of that name runs; a pid file whose process is gone counts as not running. */
export async function isRunning(bed: Bed, name: string): Promise<boolean> {
  return (await runningIdentity(bed, name)) !== undefined;
}

/** Who the running process of that name is. */
export async function runningIdentity(bed: Bed, name: string): Promise<ProcessIdentity | undefined> {
  let content;
  try {
    content = await readFile(identityPath(bed, name), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  // Cut short by a kill -9 in the writing: then there was no pid file yet, and leftovers are found by environment.
  if (!content.endsWith('\n')) return undefined;
  const identity = JSON.parse(content) as ProcessIdentity;
  return isSameProcess(identity) ? identity : undefined;
}

/** Names of all processes that have a pid file, running or not. */
export async function recordedProcesses(bed: Bed): Promise<readonly string[]> {
  const names = new Set<string>();
  for (const file of await readdir(join(bed.dir, 'run')).catch(emptyIfMissing)) {
    const name = /^(.+)\.(?:pid|identity)$/.exec(file)?.[1];
    if (name !== undefined) names.add(name);
  }
  return [...names].sort();
}

/** Path of a process' log. */
export function logPath(bed: Bed, name: string): string {
  return join(bed.dir, 'logs', `${name}.log`);
}

/** The last lines of a process' log, for an error message. */
export async function logTail(bed: Bed, name: string, lines = 15): Promise<string> {
  const file = await readFile(logPath(bed, name), 'utf8').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  });
  return tail(file, lines);
}

/**
 * How long and how often waitFor() looks; `process` names one whose end makes waiting pointless, and those that it needs
 * itself: where one of these has ended, that is the cause.
 */
export interface WaitOptions {
  readonly timeoutMs: number;
  readonly intervalMs?: number;
  readonly process?: { readonly bed: Bed; readonly name: string; readonly needs?: readonly string[] };
}

/** Waits until a condition holds; the error says what did not come, and the tail of the process' log. */
export async function waitFor(
  description: string,
  condition: () => boolean | Promise<boolean>,
  options: WaitOptions,
): Promise<void> {
  const deadline = performance.now() + options.timeoutMs;
  for (;;) {
    throwIfInterrupted();
    if (await condition()) return;
    const ended = await endedProcess(options);
    if (ended !== undefined) throw await waitError(`${description}: ${ended} has ended`, options, ended);
    if (performance.now() >= deadline) {
      throw await waitError(
        `${description}: not so after ${options.timeoutMs / 1000} s`,
        options,
        options.process?.name,
      );
    }
    await pause(options.intervalMs ?? 100);
  }
}

async function endedProcess({ process }: WaitOptions): Promise<string | undefined> {
  if (process === undefined) return undefined;
  for (const name of [...(process.needs ?? []), process.name]) if (!(await isRunning(process.bed, name))) return name;
  return undefined;
}

async function waitError(message: string, { process }: WaitOptions, name: string | undefined): Promise<WaitError> {
  if (process === undefined || name === undefined) return new WaitError(message);
  const { bed } = process;
  return new WaitError(`${message}; end of ${logPath(bed, name)}:\n${await logTail(bed, name)}`);
}

function processArgv(bed: Bed, options: ProcessOptions): readonly [string, ...string[]] {
  const own = [options.command, ...options.args] as const;
  if (options.wrap === undefined) return own;
  const [wrapper, ...wrapped] = options.wrap;
  if (wrapper === undefined) return own;
  // Namespaces are entered as root, so the identity changes only after that.
  const { uid, gid } = bed.owner;
  const drop =
    options.asOwner === true && actsForAnother(bed.owner)
      ? ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--']
      : [];
  return [wrapper, ...wrapped, ...drop, ...own];
}

async function goneWithin(identity: ProcessIdentity, milliseconds: number): Promise<boolean> {
  const deadline = performance.now() + milliseconds;
  while (isSameProcess(identity)) {
    if (performance.now() >= deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return true;
}

function pidPath(bed: Bed, name: string): string {
  return join(bed.dir, 'run', `${name}.pid`);
}

function identityPath(bed: Bed, name: string): string {
  return join(bed.dir, 'run', `${name}.identity`);
}

function emptyIfMissing(error: unknown): readonly string[] {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
  throw error;
}

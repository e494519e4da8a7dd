import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** How a program ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A line of the program's own log. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly level: string; readonly message: string };

/** The real program, as a process of its own. */
export interface Program {
  readonly ended: Promise<Ended>;
  /** What it has printed so far. */
  printed(): string;
  /** What it has said on standard error so far. */
  said(): string;
  /** What it has logged so far. */
  log(): readonly LogLine[];
  kill(signal: NodeJS.Signals): void;
}

export interface ProgramOptions {
  readonly environment?: Readonly<Record<string, string>>;
  readonly folder?: string;
  /** One that does not end by itself is killed after this; 90 s unless said. */
  readonly lifetimeMs?: number;
}

const MAIN = resolve(import.meta.dirname, '../../../controller/main.ts');
/** A program that ends by itself does so within this; one that does not is killed. */
const LIFETIME_MS = 90_000;

/** Starts `hatchery ARGS`, with nothing in its environment that could tell it more but to open no port that others may have. */
export const startProgram = (args: readonly string[], options: ProgramOptions = {}): Program => {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: options.folder ?? tmpdir(),
    env: { PATH: process.env['PATH'], HOME: '/nonexistent', HATCHERY_NOTIFY_ADDRESS: 'off', ...options.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: options.lifetimeMs ?? LIFETIME_MS,
    killSignal: 'SIGKILL',
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
  const ended = new Promise<Ended>((resolveEnd, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolveEnd({ code, signal, ...output }));
  });
  const complete = (): readonly string[] => output.stderr.split('\n').slice(0, -1);
  return {
    ended,
    printed: () => output.stdout,
    said: () => output.stderr,
    log: () => complete().flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as LogLine] : [])),
    kill: (signal) => child.kill(signal),
  };
};

/** Runs `hatchery ARGS` to its end. */
export const runProgram = (args: readonly string[], options: ProgramOptions = {}): Promise<Ended> =>
  startProgram(args, options).ended;

/** A folder for one test, with these files in it. */
export const scratch = async (files: Readonly<Record<string, string>>): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'hatchery-program-'));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return folder;
};

export const removeScratch = (folder: string): Promise<void> => rm(folder, { recursive: true, force: true });

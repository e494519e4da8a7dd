import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { pause, throwIfInterrupted } from './interrupt.ts';
import { killGroup } from './run.ts';

/** A lock that another program held for longer than the caller would wait. */
export class LockTimeoutError extends Error {
  readonly path: string;

  constructor(path: string, timeoutMs: number) {
    super(`${path}: still locked by another program after ${timeoutMs / 1000} s`);
    this.name = 'LockTimeoutError';
    this.path = path;
  }
}

/** How long to wait for a lock, and whom to tell that it is taken. */
export interface LockOptions {
  readonly timeoutMs: number;
  /** Called once where the lock is not free at once. */
  readonly onWait?: () => void;
}

/**
 * Does work while this machine's flock(2) on a file is held. A small child holds it: it ends with this process, however
 * that ends, so no lock outlives its holder.
 */
export async function withLock<T>(path: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
  const release = await acquireLock(path, options);
  try {
    return await work();
  } finally {
    await release();
  }
}

/** As withLock(), for a holder that is no one function: resolves with what gives the lock back. */
export async function acquireLock(path: string, options: LockOptions): Promise<() => Promise<void>> {
  const holder = await acquire(path, options);
  return () => release(holder);
}

/** How often a lock that is taken is tried again. */
const RETRY_MS = 300;

/** Tries again and again instead of letting flock(1) wait: such a waiter would outlive a program that was killed. */
async function acquire(path: string, options: LockOptions): Promise<ChildProcess> {
  const deadline = performance.now() + options.timeoutMs;
  for (let attempt = 0; ; attempt += 1) {
    const holder = await tryHold(path);
    if (holder !== undefined) return holder;
    if (performance.now() >= deadline) throw new LockTimeoutError(path, options.timeoutMs);
    if (attempt === 0) options.onWait?.();
    await pause(RETRY_MS);
  }
}

function tryHold(path: string): Promise<ChildProcess | undefined> {
  throwIfInterrupted();
  // In a session of its own, lest Ctrl-C at the terminal takes the lock from under work that is being undone.
  const holder = spawn('flock', ['--nonblock', '-E', '75', path, 'sh', '-c', 'echo held; exec cat'], {
    detached: true,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const timer = setTimeout(() => killGroup(holder), HOLD_MS);
  return new Promise<ChildProcess | undefined>((resolve, reject) => {
    holder.once('error', reject);
    // The holder is told to end by the end of its input; that it has ended already is no news then.
    holder.stdin.on('error', () => undefined);
    holder.stdout.once('data', () => {
      resolve(holder);
    });
    holder.once('exit', (code, signal) => {
      if (code === 75) resolve(undefined);
      else reject(new Error(`${path}: flock ended with ${signal ?? `status ${code ?? -1}`}`));
    });
  }).finally(() => clearTimeout(timer));
}

async function release(holder: ChildProcess): Promise<void> {
  if (holder.exitCode !== null || holder.signalCode !== null) return;
  const gone = new Promise((resolve) => holder.once('exit', resolve));
  holder.stdin?.end();
  const timer = setTimeout(() => killGroup(holder), RELEASE_MS);
  await gone;
  clearTimeout(timer);
}

/** A holder that is told to end does so at once; one that does not is ended. */
const RELEASE_MS = 5000;
/** A holder says so within milliseconds, or that it cannot. */
const HOLD_MS = 30_000;

import { AsyncLocalStorage } from 'node:async_hooks';

/** Thrown into work that a signal cut short; its undo runs after. */
export class InterruptedError extends Error {
  readonly signal: NodeJS.Signals;

  constructor(signal: NodeJS.Signals) {
    super(`interrupted by ${signal}`);
    this.name = 'InterruptedError';
    this.signal = signal;
  }
}

/** What a piece of work has to heed; `signal: undefined` is undo work, which heeds nothing. */
interface Scope {
  readonly signal: AbortSignal | undefined;
}

const context = new AsyncLocalStorage<Scope>();
const program = new AbortController();

/** Interrupts all work of this program that is in no interruptible() of its own, for good. */
export function interruptProgram(signal: NodeJS.Signals): void {
  program.abort(new InterruptedError(signal));
}

/** Runs work so that run(), startProcess() and waitFor() below it end once the signal aborts. */
export function interruptible<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  return context.run({ signal }, work);
}

/** Runs undo work, which must go to its end although the work that it undoes was interrupted. */
export function uninterrupted<T>(work: () => Promise<T>): Promise<T> {
  return context.run({ signal: undefined }, work);
}

/** The signal that the work which is calling has to heed. */
export function currentSignal(): AbortSignal | undefined {
  const scope = context.getStore();
  return scope === undefined ? program.signal : scope.signal;
}

/** Throws where the calling work was interrupted. */
export function throwIfInterrupted(): void {
  currentSignal()?.throwIfAborted();
}

/** Sleeps, at most until the calling work is interrupted, and then throws. */
export async function pause(milliseconds: number): Promise<void> {
  const signal = currentSignal();
  signal?.throwIfAborted();
  await new Promise<void>((resolve) => {
    const wake = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', wake);
      resolve();
    };
    const timer = setTimeout(wake, milliseconds);
    signal?.addEventListener('abort', wake);
  });
  signal?.throwIfAborted();
}

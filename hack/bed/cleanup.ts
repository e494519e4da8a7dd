import { interruptible, InterruptedError, uninterrupted } from './interrupt.ts';

/** Collects how to undo what was done, to be run in reverse order. */
export interface Cleanup {
  /** Remembers how to undo something; add it before doing that something, lest a failure in between leaves half. */
  add(description: string, undo: () => Promise<void>): void;
}

/** When the undo functions run: on failure and signals alone (a thing that stays up), or always (a demo, a test). */
export type CleanupWhen = 'on-failure' | 'always';

/** Where signals come from: the process, but for tests. */
export type SignalSource = Pick<NodeJS.EventEmitter, 'on' | 'off'>;

const SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** How long interrupted work may take to notice before what it did is undone all the same. */
const SETTLE_MS = 15_000;

interface Undo {
  readonly description: string;
  readonly undo: () => Promise<void>;
}

/**
 * Does work whose effects outlive this program, and undoes them when it fails or is interrupted by SIGINT, SIGTERM or
 * SIGHUP. While things are undone further signals are ignored. A failing undo does not keep the others from running.
 */
export async function withCleanup<T>(
  when: CleanupWhen,
  work: (cleanup: Cleanup) => Promise<T>,
  source: SignalSource = process,
): Promise<T> {
  const undos: Undo[] = [];
  const interrupt = new AbortController();
  const onSignal = (signal: NodeJS.Signals): void => {
    if (interrupt.signal.aborted) return;
    console.log(`\n${signal}: cleaning up …`);
    interrupt.abort(new InterruptedError(signal));
  };
  for (const signal of SIGNALS) source.on(signal, onSignal);
  try {
    const cleanup = { add: (description: string, undo: () => Promise<void>) => void undos.push({ description, undo }) };
    const result = await settledSoon(interrupt.signal, () => work(cleanup));
    if (when === 'always') await undoAll(undos);
    return result;
  } catch (error) {
    await undoAll(undos);
    throw error;
  } finally {
    for (const signal of SIGNALS) source.off(signal, onSignal);
  }
}

/** Waits for the work; once it is interrupted, for at most SETTLE_MS more. */
async function settledSoon<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  const running = interruptible(signal, work);
  let timer: NodeJS.Timeout | undefined;
  const overdue = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => {
      timer = setTimeout(() => {
        reject(signal.reason as Error);
      }, SETTLE_MS);
    });
  });
  try {
    const result = await Promise.race([running, overdue]);
    signal.throwIfAborted();
    return result;
  } finally {
    clearTimeout(timer);
  }
}

async function undoAll(undos: readonly Undo[]): Promise<void> {
  await uninterrupted(async () => {
    for (const { description, undo } of undos.toReversed()) {
      try {
        await undo();
      } catch (error) {
        console.error(`cannot undo "${description}": ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  });
}

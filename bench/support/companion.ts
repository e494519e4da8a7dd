import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { weighSession } from '#hack/bed/weight.ts';

/** A program that a bench runs beside itself. */
export interface Companion {
  readonly pid: number;
  /** The next line that it prints; rejects where it has ended. */
  next(): Promise<string>;
  /** Asks it to end. */
  stop(): void;
}

/**
 * Starts one of the bench's own programs, a path and what it is told as its argument, as a session of its own. It ends when
 * its stdin does, so also when this process is killed. `nice`: of its session; 0 unless said.
 */
export async function startCompanion(program: string, told: unknown, { nice = 0 } = {}): Promise<Companion> {
  const child = spawn(process.execPath, [program, JSON.stringify(told)], {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => {
    const line = await lines.next();
    if (line.done === true) throw new Error(`${program} has ended with ${String(child.exitCode)}`);
    return line.value;
  };
  const { pid } = child;
  if (pid === undefined) throw new Error(`${program}: started without a process number`);
  if (nice !== 0) await weighSession(pid, nice);
  return { pid, next, stop: () => child.stdin.end() };
}

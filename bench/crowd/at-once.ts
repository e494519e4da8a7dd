import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { run } from '#hack/bed/run.ts';
import { parseVisit } from './tally.ts';
import type { Visit } from './tally.ts';

/** Whom many visitors ask at once, and with what. */
export interface Crowd {
  readonly port: number;
  readonly host: string;
  readonly visitors: number;
  /** Of each visitor's POST; 0: a GET. */
  readonly bodyBytes?: number;
}

/** Visitors that do not take as long as the server; see visitors.c. */
export interface Visitors {
  /** All come at once, each on a connection of its own; resolves when the last is answered, cut, or has waited too long. */
  atOnce(crowd: Crowd): Promise<readonly Visit[]>;
}

const PATIENCE_MS = 60_000;

/** Compiles them into a folder. */
export const prepareVisitors = async (folder: string): Promise<Visitors> => {
  const program = join(folder, 'visitors');
  const source = join(import.meta.dirname, 'visitors.c');
  await run(['gcc', '-O2', '-Wall', '-Wextra', '-Werror', '-o', program, source], { timeoutMs: 60_000 });
  return {
    atOnce: async ({ port, host, visitors, bodyBytes = 0 }) => {
      const words = [port, host, visitors, bodyBytes, PATIENCE_MS].map(String);
      const { stdout } = await run([program, ...words], { timeoutMs: PATIENCE_MS + 20_000 });
      return stdout.trimEnd().split('\n').map(parseVisit);
    },
  };
};

/** A plain Node server that answers nothing but 503: what is left when all that an ingress does is left out. */
export interface Control {
  readonly port: number;
  readonly pid: number;
  stop(): void;
}

/** It ends when its stdin does, so also when this process is killed. */
export const startControl = async (): Promise<Control> => {
  const child: ChildProcess = spawn(process.execPath, [join(import.meta.dirname, 'control.ts')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  if (child.stdout === null) throw new Error('the control has no output');
  for await (const line of createInterface({ input: child.stdout })) {
    const { port } = JSON.parse(line) as { readonly port: number };
    return { port, pid: child.pid ?? 0, stop: () => child.stdin?.end() };
  }
  throw new Error(`the control has ended with ${String(child.exitCode)}`);
};

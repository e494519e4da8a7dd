import { join } from 'node:path';
import { run } from '#hack/bed/run.ts';
import { INGRESS_NICE } from '#hack/commands/ingress.ts';
import { startCompanion } from '../support/companion.ts';
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

/** Starts it, with as much of the machine's CPU as the ingress may have. */
export const startControl = async (): Promise<Control> => {
  const program = await startCompanion(join(import.meta.dirname, 'control.ts'), null, { nice: INGRESS_NICE });
  const { port } = JSON.parse(await program.next()) as { readonly port: number };
  return { port, pid: program.pid, stop: () => program.stop() };
};

import { join } from 'node:path';
import type { Bed } from '../bed/bed.ts';
import { CommandError, run } from '../bed/run.ts';

/** What one call of kubectl may be given. */
export interface KubectlOptions {
  /** For `-f -`. */
  readonly input?: string;
  /** 60 s unless said; must exceed any --timeout among the arguments. */
  readonly timeoutMs?: number;
}

/** kubectl against one bed's API server; whatever KUBECONFIG says outside has no effect. */
export interface Kubectl {
  (args: readonly string[], options?: KubectlOptions): Promise<string>;
  /** Whether that call succeeds. */
  answers(args: readonly string[]): Promise<boolean>;
  /** The whole command line of a call, for a program that runs it by itself. */
  argv(args: readonly string[]): readonly string[];
}

/** Makes a kubectl for a kubeconfig; its cache of the server's types lies in the bed. */
export function createKubectl(bed: Bed, kubeconfig: string): Kubectl {
  const argv = (args: readonly string[]): readonly string[] => [
    join(bed.dir, 'bin', 'kubectl'),
    `--kubeconfig=${kubeconfig}`,
    `--cache-dir=${join(bed.dir, 'cluster', 'kubectl-cache')}`,
    ...args,
  ];
  const call = async (args: readonly string[], options: KubectlOptions = {}): Promise<string> => {
    const { stdout } = await run(argv(args), {
      timeoutMs: options.timeoutMs ?? 60_000,
      owner: bed.owner,
      env: { KUBECONFIG: undefined },
      ...(options.input === undefined ? {} : { input: options.input }),
    });
    return stdout;
  };
  const answers = async (args: readonly string[]): Promise<boolean> => {
    try {
      await call([...args, '--request-timeout=5s'], { timeoutMs: 15_000 });
      return true;
    } catch (error) {
      if (error instanceof CommandError && error.failure.kind !== 'spawn') return false;
      throw error;
    }
  };
  return Object.assign(call, { answers, argv });
}

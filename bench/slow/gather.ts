import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { CrowdCounts, CrowdOptions } from './crowd.ts';

/** A crowd of slow visitors that are all there. */
export interface Crowd {
  /** Sends them away; what became of them. */
  stop(): Promise<CrowdCounts>;
}

/** Starts a crowd; resolves once all of it is connected. It ends with this process, too: by its stdin. */
export async function gather(options: CrowdOptions): Promise<Crowd> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'crowd.ts'), JSON.stringify(options)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => {
    const line = await lines.next();
    if (line.done === true) throw new Error(`the crowd has ended with ${String(child.exitCode)}`);
    return line.value;
  };
  await next();
  return {
    stop: async () => {
      child.stdin.end();
      return JSON.parse(await next()) as CrowdCounts;
    },
  };
}

import { readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { waitFor } from '#hack/bed/process.ts';

/** What a Node process holds, MiB. */
export interface Memory {
  readonly rss: number;
  /** What JavaScript holds: its heap, and buffers outside of it. Exact after a collection. */
  readonly held: number;
}

/** Looks into a running Node process. */
export interface Probe {
  /** After a garbage collection. */
  settled(): Promise<Memory>;
  /** The largest resident set since forgetPeak(), MiB. */
  peakMiB(): number;
  forgetPeak(): Promise<void>;
  close(): void;
}

const MIB = 1024 * 1024;
const ANSWER_TIMEOUT_MS = 60_000;

/**
 * Opens a process' inspector, which a Node process begins to serve on SIGUSR1; it has to have been started with
 * `--inspect-port=0`, and says in its log which port it took.
 */
export const openProbe = async (pid: number, log: string): Promise<Probe> => {
  const known = urlsIn(await readFile(log, 'utf8')).length;
  process.kill(pid, 'SIGUSR1');
  let url = '';
  const isTold = async (): Promise<boolean> => {
    url =
      urlsIn(await readFile(log, 'utf8'))
        .slice(known)
        .at(-1) ?? '';
    return url !== '';
  };
  await waitFor('the inspector listens', isTold, { timeoutMs: 10_000, intervalMs: 20 });
  const session = await openSession(url);
  return {
    settled: async () => {
      // What the first frees is what the second may find unreachable.
      for (let turn = 0; turn < 2; turn += 1) await session.ask('HeapProfiler.collectGarbage', {});
      const expression = 'JSON.stringify(process.memoryUsage())';
      const { result } = (await session.ask('Runtime.evaluate', { expression })) as { result: { value: string } };
      const usage = JSON.parse(result.value) as NodeJS.MemoryUsage;
      return { rss: usage.rss / MIB, held: (usage.heapUsed + usage.external) / MIB };
    },
    peakMiB: () => {
      const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
      return Number(peak?.[1] ?? Number.NaN) / 1024;
    },
    // https://man7.org/linux/man-pages/man5/proc_pid_clear_refs.5.html
    forgetPeak: () => writeFile(`/proc/${pid}/clear_refs`, '5'),
    close: () => session.close(),
  };
};

const urlsIn = (log: string): readonly string[] => log.match(/ws:\/\/127\.0\.0\.1:\d+\/[\w-]+/g) ?? [];

interface Session {
  ask(method: string, params: object): Promise<unknown>;
  close(): void;
}

interface Reply {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

/** https://chromedevtools.github.io/devtools-protocol/v8/ */
const openSession = async (url: string): Promise<Session> => {
  const socket = new WebSocket(url);
  const waiting = new Map<number, (reply: Reply) => void>();
  socket.addEventListener('message', ({ data }) => {
    const reply = JSON.parse(String(data)) as Reply;
    if (reply.id !== undefined) waiting.get(reply.id)?.(reply);
  });
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener('open', () => resolve(), { once: true });
    socket.addEventListener('error', () => reject(new Error(`the inspector at ${url} cannot be reached`)), {
      once: true,
    });
  });
  let last = 0;
  return {
    ask: (method, params) => {
      last += 1;
      const id = last;
      return new Promise((resolve, reject) => {
        const timer = setTimeout(
          () => reject(new Error(`${method}: no answer in ${ANSWER_TIMEOUT_MS} ms`)),
          ANSWER_TIMEOUT_MS,
        );
        waiting.set(id, ({ result, error }) => {
          clearTimeout(timer);
          waiting.delete(id);
          if (error === undefined) resolve(result);
          else reject(new Error(`${method}: ${error.message}`));
        });
        socket.send(JSON.stringify({ id, method, params }));
      });
    },
    close: () => socket.close(),
  };
};

import { watch } from 'node:fs';
import { open } from 'node:fs/promises';

/** The JSON lines of a file, read as they are written. */
export interface Lines<T> {
  readonly seen: readonly T[];
  /** The first line, from that one on, that is such a one; rejects when it does not come in time. */
  first(what: string, from: number, matches: (line: T) => boolean, timeoutMs: number): Promise<T>;
  close(): Promise<void>;
}

const LOOK_MS = 20;
const BLOCK_BYTES = 1 << 20;

/** Follows a file from its present end on; lines that are no JSON are left out. */
export async function followLines<T>(path: string): Promise<Lines<T>> {
  const file = await open(path);
  let { size: at } = await file.stat();
  let rest = '';
  let isReading = false;
  let isClosed = false;
  const seen: T[] = [];
  const waiting = new Set<() => void>();
  const block = Buffer.alloc(BLOCK_BYTES);
  const read = async (): Promise<void> => {
    isReading = true;
    try {
      while (!isClosed) {
        const { bytesRead } = await file.read(block, 0, block.length, at);
        if (bytesRead === 0) return;
        at += bytesRead;
        const lines = (rest + block.toString('latin1', 0, bytesRead)).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) if (line.startsWith('{')) seen.push(JSON.parse(line) as T);
        for (const look of [...waiting]) look();
      }
    } finally {
      isReading = false;
    }
  };
  const report = (error: unknown): void => console.error(`${path} cannot be read:`, error);
  let reading = Promise.resolve();
  const look = (): void => {
    if (!isReading) reading = read().catch(report);
  };
  const watcher = watch(path, look);
  // For what was written while a reading was under way.
  const timer = setInterval(look, LOOK_MS);
  const first = (what: string, from: number, matches: (line: T) => boolean, timeoutMs: number): Promise<T> =>
    new Promise((resolve, reject) => {
      let next = from;
      const search = (): void => {
        for (; next < seen.length; next += 1) {
          const line = seen[next];
          if (line === undefined || !matches(line)) continue;
          settle();
          resolve(line);
          return;
        }
      };
      const late = setTimeout(() => {
        settle();
        reject(new Error(`${what}: no such line in ${path} within ${timeoutMs} ms`));
      }, timeoutMs);
      const settle = (): void => {
        clearTimeout(late);
        waiting.delete(search);
      };
      waiting.add(search);
      search();
    });
  return {
    seen,
    first,
    close: async () => {
      isClosed = true;
      clearInterval(timer);
      watcher.close();
      await reading;
      await file.close();
    },
  };
}

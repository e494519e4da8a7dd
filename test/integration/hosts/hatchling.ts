import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { eventually } from '#test/support/eventually.ts';

/** How a hatchling that ran as an ordinary process ended, and what it said. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
}

/** A hatchling that runs as an ordinary process. */
export interface RunningHatchling {
  /** The port that it says it listens on. */
  port(): Promise<number>;
  said(): string;
  kill(signal: NodeJS.Signals): void;
  readonly ending: Promise<Ending>;
}

/** Starts the guest program as a process of this machine; it is killed where it outlives `timeoutMs`. */
export function startHatchling(executable: string, words: readonly string[], timeoutMs = 10_000): RunningHatchling {
  const child = spawn(executable, words, { stdio: ['ignore', 'pipe', 'inherit'], timeout: timeoutMs, killSignal: 9 });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const output = text(child.stdout);
  const ending = once(child, 'exit').then(async ([code, signal]) => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
    output: await output,
  }));
  return {
    port: () =>
      eventually(() => {
        const port = /listens on port (\d+)/.exec(said)?.[1];
        if (port === undefined) throw new Error(`it does not listen; it said: ${said}`);
        return Number(port);
      }),
    said: () => said,
    kill: (signal) => void child.kill(signal),
    ending,
  };
}

/** Sends bytes to a port of this machine and returns all that comes back until the end. */
export async function exchange(port: number, request: string): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
  socket.write(request);
  const answer = await text(socket);
  socket.end();
  return answer;
}

import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { pause } from '../../bed/interrupt.ts';

/** What a command in dom0 came to; output is stdout and stderr as they came, at most 1 MiB. */
export interface Dom0Result {
  readonly status: number;
  readonly output: string;
}

/** How long past a command's own limit the channel may take: dom0 is emulated, and another command may be first. */
const SLACK_MS = 60_000;

/**
 * Runs a line of shell in dom0 through the box' character device (protocol: image/control). QEMU serves one client at a
 * time and lets others wait to be accepted, so several programs may call at once. Status 143 is a command that dom0
 * ended since it took too long.
 */
export async function runInDom0(socketPath: string, command: string, timeoutMs: number): Promise<Dom0Result> {
  const deadline = performance.now() + timeoutMs + SLACK_MS;
  for (;;) {
    try {
      return await ask(socketPath, command, timeoutMs);
    } catch (error) {
      // One caller is served and one waits to be accepted; the kernel tells a third to come again.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN' || performance.now() >= deadline) throw error;
      await pause(50);
    }
  }
}

async function ask(socketPath: string, command: string, timeoutMs: number): Promise<Dom0Result> {
  const id = randomBytes(8).toString('hex');
  const seconds = Math.max(1, Math.ceil(timeoutMs / 1000));
  // The empty line ends what a client that was killed in its writing may have left.
  const request = `\n${id} ${seconds} ${Buffer.from(command).toString('base64')}\n`;
  const line = await exchange(socketPath, request, id, timeoutMs + SLACK_MS);
  const [, status = '', output = ''] = line.split(' ');
  return { status: Number(status), output: Buffer.from(output, 'base64').toString('utf8') };
}

/** Sends a request and reads lines until the one that begins with its id: earlier ones are answers to who has left. */
function exchange(path: string, request: string, id: string, timeoutMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path });
    let received = '';
    const timer = setTimeout(() => {
      socket.destroy(new Error(`${path}: dom0 gave no answer within ${timeoutMs / 1000} s`));
    }, timeoutMs);
    socket.setEncoding('latin1');
    socket.on('connect', () => socket.write(request));
    socket.on('data', (chunk: string) => {
      received += chunk;
      const lines = received.split('\n');
      received = lines.pop() ?? '';
      const answer = lines.find((line) => line.startsWith(`${id} `));
      if (answer === undefined) return;
      resolve(answer);
      socket.destroy();
    });
    socket.on('error', reject);
    socket.on('close', () => {
      clearTimeout(timer);
      reject(new Error(`${path}: closed before dom0's answer`));
    });
  });
}

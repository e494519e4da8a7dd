import { Agent, request } from 'node:https';

import type { Clock, Credentials } from '#controller/kube/index.ts';
import { identityOf, requestTo } from '#controller/reach/index.ts';
import type { ControllerAddress } from '#controller/reach/index.ts';

/** The controller that acts, and the connections to it that are kept. */
export interface Target {
  readonly address: ControllerAddress;
  readonly agent: Agent;
}

/** Connections of one replica: the controller has 256 for all. */
const CONNECTIONS = 2;
/** The server keeps an idle one for 5 s. */
const IDLE_MS = 4_000;

export const targetAt = (address: ControllerAddress): Target => ({
  address,
  agent: new Agent({
    ...{ keepAlive: true, maxSockets: CONNECTIONS, timeout: IDLE_MS },
    // A resumed session would not be compared with the Lease's certificate again.
    maxCachedSessions: 0,
    checkServerIdentity: identityOf(address.anchor),
  }),
});

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** An answer is a list of UIDs at most. */
const MAX_ANSWER_BYTES = 65_536;

/** One POST. Rejects with the connection's error, or where no whole answer came within `timeoutMs`. */
export const post = (
  { address, agent }: Target,
  credentials: Credentials,
  { path, body }: { readonly path: string; readonly body: string },
  clock: Clock,
  timeoutMs: number,
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const asked = request({ ...requestTo(address, credentials), agent, path, method: 'POST' });
    asked.setHeader('content-type', 'application/json');
    asked.setHeader('content-length', Buffer.byteLength(body));
    const late = clock.after(timeoutMs, () => asked.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    const fail = (error: Error): void => {
      late.cancel();
      reject(error);
    };
    asked.once('response', (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes <= MAX_ANSWER_BYTES) chunks.push(chunk);
        else asked.destroy(new Error(`the answer has more than ${MAX_ANSWER_BYTES} bytes`));
      });
      response.on('error', fail);
      response.once('close', () => {
        late.cancel();
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() });
      });
    });
    asked.on('error', fail);
    asked.end(body);
  });

/** Whether a kept connection had ended by the time it was used, as both sides may end one at any time. */
export const wasStale = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ECONNRESET' || error.code === 'EPIPE');

import type { IncomingMessage } from 'node:http';

import type { Call } from './server.ts';
import { refuse } from './status.ts';

/**
 * Resolves with the whole text of a small body; undefined: there is none to be had, and its sender has its answer where it
 * is still there. The server bounds its time.
 */
export async function readText(
  { request, response }: Pick<Call, 'request' | 'response'>,
  maxBytes: number,
): Promise<string | undefined> {
  const body = await readBody(request, maxBytes);
  switch (body.kind) {
    case 'whole':
      return body.text;
    case 'too-large':
      refuse(response, 413, `a message has at most ${maxBytes} bytes`, { connection: 'close' });
      return undefined;
    case 'broken':
      return undefined;
  }
}

/** Of a body that is too large so much is read all the same, for its sender to see the answer. */
const READ_ON_BYTES = 65_536;

type Body =
  { readonly kind: 'whole'; readonly text: string } | { readonly kind: 'too-large' } | { readonly kind: 'broken' };

function readBody(request: IncomingMessage, maxBytes: number): Promise<Body> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= maxBytes) chunks.push(chunk);
      else if (bytes > READ_ON_BYTES) {
        request.pause();
        resolve({ kind: 'too-large' });
      }
    });
    request.once('end', () => {
      if (bytes > maxBytes) resolve({ kind: 'too-large' });
      else resolve({ kind: 'whole', text: Buffer.concat(chunks).toString() });
    });
    for (const ending of ['close', 'error']) request.once(ending, () => resolve({ kind: 'broken' }));
  });
}

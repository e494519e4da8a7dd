import type { Writable } from 'node:stream';

import type { Print } from './console.ts';

/** Whoever read the output has gone, as `head` does: no failure. */
export class NobodyReads extends Error {
  override readonly name = 'NobodyReads';
}

/** Prints to a stream at the pace at which it is read. */
export function printTo(stream: Writable): Print {
  // Each error is told to a callback of write() too, and handled there.
  stream.on('error', () => undefined);
  return (output) =>
    new Promise((resolve, reject) => {
      stream.write(output, (error) => {
        if (error === null || error === undefined) resolve();
        else if ('code' in error && error.code === 'EPIPE') reject(new NobodyReads('nobody reads', { cause: error }));
        else reject(error);
      });
    });
}

import { Writable } from 'node:stream';
import { Registry } from 'prom-client';

import { createLogger } from '#controller/observe/index.ts';
import { createRecorder } from './record.ts';
import type { Recorder, RecorderParts } from './record.ts';

/** Does all that is done to tell of a request, but nobody hears of it: what that takes is compiled too. */
export const untoldRecorder = (parts: Pick<RecorderParts, 'queue' | 'rush'>): Recorder => {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const logger = createLogger({ level: 'info', format: 'json', stream: nowhere });
  return createRecorder({ ...parts, logger, registry: new Registry() });
};

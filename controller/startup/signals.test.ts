import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';

import type { LogFields, Logger } from '#controller/observe/index.ts';

import { failOnUnhandled, stopOnSignals } from './signals.ts';

interface Fake {
  readonly process: NodeJS.Process;
  readonly exits: (number | undefined)[];
  readonly logger: Logger;
  readonly messages: string[];
  emit(event: string, ...args: readonly unknown[]): void;
}

/** A process that notes its end in place of ending. */
const fakeProcess = (): Fake => {
  const exits: (number | undefined)[] = [];
  const messages: string[] = [];
  const emitter = Object.assign(new EventEmitter(), {
    exitCode: undefined,
    exit: (code?: number) => exits.push(code),
  });
  const log = (message: string, fields?: LogFields): void => {
    messages.push(fields?.['error'] instanceof Error ? `${message}: ${fields['error'].message}` : message);
  };
  const logger: Logger = { error: log, warn: log, info: log, debug: log, child: () => logger };
  return {
    process: emitter as unknown as NodeJS.Process,
    exits,
    logger,
    messages,
    emit: (event, ...args) => emitter.emit(event, ...args),
  };
};

describe('a signal to end', () => {
  for (const signal of ['SIGTERM', 'SIGINT']) {
    it(`asks for an orderly end the first time, and ends at once the second: ${signal}`, () => {
      const fake = fakeProcess();
      const stop = stopOnSignals(fake.process, fake.logger);
      assert.equal(stop.aborted, false);
      fake.emit(signal, signal);
      assert.deepEqual([stop.aborted, fake.exits], [true, []]);
      fake.emit('SIGTERM', 'SIGTERM');
      assert.deepEqual(fake.exits, [1]);
    });
  }
});

describe('what nobody handled', () => {
  for (const event of ['unhandledRejection', 'uncaughtException']) {
    it(`is logged, and ends the program with exit code 1: ${event}`, async () => {
      const fake = fakeProcess();
      const closed: string[] = [];
      failOnUnhandled(fake.process, fake.logger, () => {
        closed.push('closed');
        return Promise.resolve();
      });
      fake.emit(event, new Error('lost'));
      await new Promise(setImmediate);
      assert.deepEqual([closed, fake.exits], [['closed'], [1]]);
      assert.match(fake.messages[0] ?? '', /: lost$/);
    });
  }
});

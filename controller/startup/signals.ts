import type { Logger } from '#controller/observe/index.ts';

/** Longest time that an orderly end may take, beside what a command grants to work under way; then it is cut off. */
export const END_WITHIN_MS = 15_000;

/** Aborts at the first SIGTERM or SIGINT. A second one, or an end that takes too long, ends the process at once. */
export const stopOnSignals = (process: NodeJS.Process, logger: Logger, graceMs = 0): AbortSignal => {
  const stop = new AbortController();
  const afterMs = END_WITHIN_MS + graceMs;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (stop.signal.aborted) {
      logger.warn('Told a second time to end', { signal });
      process.exit(1);
    }
    logger.info('Told to end', { signal });
    setTimeout(() => {
      logger.error('Not at rest in time', { afterMs });
      process.exit(1);
    }, afterMs).unref();
    stop.abort();
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  return stop.signal;
};

/** A rejection or exception that nobody handled leaves the program in a state nobody knows: it is logged and ends. */
export const failOnUnhandled = (process: NodeJS.Process, logger: Logger, end: () => Promise<void>): void => {
  const fail = (message: string, error: unknown): void => {
    process.exitCode = 1;
    logger.error(message, { error });
    void end().finally(() => process.exit(1));
  };
  process.on('unhandledRejection', (reason) => fail('A promise was rejected and nobody handled it', reason));
  process.on('uncaughtException', (error) => fail('An exception was thrown and nobody caught it', error));
};

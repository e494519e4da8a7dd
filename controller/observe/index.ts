/** What the program tells of itself: logs, metrics, probes. */
export * from './logger.ts';
export * from './metrics.ts';
export * from './server.ts';
export * from './tracing.ts';

/** Where a domain may run: pure filters, a score, the queue of what waits, and words for why it waits. */
export * from './filter.ts';
export * from './pending.ts';
export * from './place.ts';
export * from './reasons.ts';
export * from './selector.ts';
export * from './tolerations.ts';

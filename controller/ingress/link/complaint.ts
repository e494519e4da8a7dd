import type { Clock, KubeLogger } from '#controller/kube/index.ts';

const EVERY_MS = 60_000;

/** Warns in these words, at most once a minute: each request would say the same. */
export const createComplaint = (clock: Clock, logger: KubeLogger, words: string) => {
  let last = -Infinity;
  return (why: string, error?: unknown): void => {
    const now = clock.now();
    if (now - last < EVERY_MS) return;
    last = now;
    logger.warn(words, { why, error });
  };
};

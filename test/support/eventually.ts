/** How long and how often eventually() looks. */
export interface EventuallyOptions {
  readonly timeoutMs?: number;
  readonly intervalMs?: number;
}

/**
 * Repeats a check until it does not throw, and resolves with what it returned; rejects with its last failure when time
 * is up (10 s unless said). What tests use in place of sleeping.
 */
export async function eventually<T>(check: () => T | Promise<T>, options: EventuallyOptions = {}): Promise<T> {
  const { timeoutMs = 10_000, intervalMs = 50 } = options;
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() >= deadline) {
        const note = `(still so after ${timeoutMs / 1000} s)`;
        if (error instanceof Error && !error.message.endsWith(note)) error.message += ` ${note}`;
        throw error;
      }
    }
    await new Promise((resolve) => setTimeout(resolve, intervalMs));
  }
}

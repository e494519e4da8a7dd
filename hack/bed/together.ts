import { currentSignal, interruptible } from './interrupt.ts';

/**
 * Does several pieces of work at the same time. When one fails, the others are cut short as by an interrupt; rejects
 * with the first failure once all have settled, so that nothing goes on behind the back of whoever undoes them.
 */
export async function together(works: readonly (() => Promise<void>)[]): Promise<void> {
  const outer = currentSignal();
  const stop = new AbortController();
  const signal = outer === undefined ? stop.signal : AbortSignal.any([outer, stop.signal]);
  let failure: { readonly error: unknown } | undefined;
  await Promise.all(
    works.map(async (work) => {
      try {
        await interruptible(signal, work);
      } catch (error) {
        failure ??= { error };
        stop.abort(new Error('cut short, since another step failed'));
      }
    }),
  );
  outer?.throwIfAborted();
  if (failure !== undefined) throw failure.error;
}

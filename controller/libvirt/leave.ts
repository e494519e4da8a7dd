import type { Aside } from './aside.ts';
import type { StreamHandle } from './connection.ts';
import type { OpenSettings } from './open.ts';
import type { StreamEnd } from './stream.ts';
import type { TimerHandle } from './types.ts';

/**
 * Tells the daemon how a stream ends (undefined: that was told already), and ends its connection once the daemon has
 * answered, or after timeouts.leaveMs. A daemon that has an answer to give and finds the connection gone locks a mutex twice
 * and never does anything again: libvirt 11.3, daemonStreamEvent to virNetServerClientClose. Never rejects.
 */
export const leaveStream = async (
  settings: OpenSettings,
  { aside, handle, end }: { readonly aside: Aside; readonly handle: StreamHandle; readonly end: StreamEnd },
  status: number | undefined,
): Promise<void> => {
  if (!end.isDone) {
    if (status !== undefined) handle.send(status, undefined);
    await doneWithin(settings, end);
  }
  aside.release();
};

const doneWithin = async ({ clock, timeouts }: OpenSettings, end: StreamEnd): Promise<void> => {
  let timer: TimerHandle | undefined;
  const late = new Promise<void>((resolve) => {
    timer = clock.setTimeout(resolve, timeouts.leaveMs);
  });
  await Promise.race([end.done, late]);
  if (timer !== undefined) clock.clearTimeout(timer);
};

import type { UploadSource } from './api.ts';
import { openAside } from './aside.ts';
import type { StreamHandle } from './connection.ts';
import type { Keeper } from './keeper.ts';
import type { OpenSettings } from './open.ts';
import { MessageStatus, StorageProcedure } from './protocol.ts';
import { Outlet, packetsOf, sendPacket } from './stream.ts';
import type { CallOptions, Clock, StorageVolume, TimerHandle } from './types.ts';
import { writeVolume } from './wire.ts';
import type { XdrWriter } from './xdr.ts';

/** virStorageVolUpload: the bytes of `source` from the volume's start on; how many there were. */
export const volUpload = async (
  settings: OpenSettings,
  keeper: Keeper,
  volume: StorageVolume,
  source: UploadSource,
  options: CallOptions | undefined,
): Promise<number> => {
  const aside = await openAside(settings, keeper, StorageProcedure.volUpload.name);
  const fail = (ms: number) => (): void => aside.connection.fail('timeout', `the upload is not done after ${ms} ms`);
  const whole = options?.timeoutMs;
  const deadline = new Watchdog(settings.clock, whole ?? Infinity, fail(whole ?? Infinity));
  const { streamMs } = settings.timeouts;
  const progress = new Watchdog(settings.clock, streamMs, fail(streamMs));
  try {
    const outlet = new Outlet();
    const limits = { timeoutMs: settings.timeouts.slowMs, sendBefore: options?.sendBefore };
    const handle = await aside.connection.openStream(
      StorageProcedure.volUpload,
      writeArguments(volume),
      outlet,
      limits,
    );
    const sent = await sendAll(handle, outlet, source, progress);
    const { error } = await outlet.over;
    if (error !== undefined) throw error;
    return sent;
  } finally {
    deadline.stop();
    progress.stop();
    aside.release();
  }
};

/** From byte 0, all that comes. */
const writeArguments =
  (volume: StorageVolume) =>
  (writer: XdrWriter): void => {
    writeVolume(writer, volume);
    writer.u64(0);
    writer.u64(0);
    writer.u32(0);
  };

/** Sends the source to its end, or until the daemon says that it is over. */
const sendAll = async (
  handle: StreamHandle,
  outlet: Outlet,
  source: UploadSource,
  progress: Watchdog,
): Promise<number> => {
  const chunks = iterate(source);
  let sent = 0;
  for (;;) {
    // While the source is waited for, the daemon is not to blame for the silence.
    progress.stop();
    const step = await Promise.race([chunks.next(), outlet.over]);
    if ('error' in step) {
      abandon(chunks);
      return sent;
    }
    progress.restart();
    if (step.done === true) break;
    for (const packet of packetsOf(step.value)) {
      const over = await Promise.race([sendPacket(handle, MessageStatus.continue, packet), outlet.over]);
      if (over !== undefined) {
        abandon(chunks);
        return sent;
      }
      sent += packet.length;
      progress.restart();
    }
  }
  handle.send(MessageStatus.ok, undefined);
  return sent;
};

/** Lets a source that is not read to its end close what it holds open; how that goes is its own affair. */
const abandon = (chunks: Iterator<Uint8Array> | AsyncIterator<Uint8Array>): void => {
  void Promise.allSettled([chunks.return?.()]);
};

const iterate = (source: UploadSource): Iterator<Uint8Array> | AsyncIterator<Uint8Array> => {
  if (source instanceof Uint8Array) return [source].values();
  return Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
};

/** Calls back unless it is stopped or restarted in time. */
class Watchdog {
  readonly #clock: Clock;
  readonly #ms: number;
  readonly #bite: () => void;
  #timer: TimerHandle | undefined;

  constructor(clock: Clock, ms: number, bite: () => void) {
    this.#clock = clock;
    this.#ms = ms;
    this.#bite = bite;
    this.restart();
  }

  restart(): void {
    this.stop();
    if (Number.isFinite(this.#ms)) this.#timer = this.#clock.setTimeout(this.#bite, this.#ms);
  }

  stop(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

import type { UploadSource } from './api.ts';
import { openAside } from './aside.ts';
import type { StreamHandle } from './connection.ts';
import { LibvirtError } from './errors.ts';
import type { Keeper } from './keeper.ts';
import { leaveStream } from './leave.ts';
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
  const { name } = StorageProcedure.volUpload;
  const aside = await openAside(settings, keeper, name);
  const outlet = new Outlet();
  const whole = options?.timeoutMs;
  const { streamMs } = settings.timeouts;
  let leave: (() => Promise<void>) | undefined;
  const fail = (ms: number) => (): void => {
    const why = `the upload is not done after ${ms} ms`;
    // Before the stream is open there is no end that the daemon could answer.
    if (leave === undefined) aside.connection.fail('timeout', why);
    else
      outlet.giveUp(
        new LibvirtError(why, { kind: 'timeout', uri: settings.uri.text, procedure: name, mayHaveRun: true }),
      );
  };
  const deadline = new Watchdog(settings.clock, whole ?? Infinity, fail(whole ?? Infinity));
  const progress = new Watchdog(settings.clock, streamMs, fail(streamMs));
  try {
    const limits = { timeoutMs: settings.timeouts.slowMs, sendBefore: options?.sendBefore };
    const handle = await aside.connection.openStream(
      StorageProcedure.volUpload,
      writeArguments(volume),
      outlet,
      limits,
    );
    let isToldEnd = false;
    let leaving: Promise<void> | undefined;
    leave = () =>
      (leaving ??= leaveStream(settings, { aside, handle, end: outlet }, isToldEnd ? undefined : MessageStatus.error));
    const left = leave;
    aside.beforeClose((error) => {
      outlet.giveUp(error);
      return left();
    });
    const { sent, isWhole } = await sendAll(handle, outlet, source, progress);
    if (isWhole) {
      isToldEnd = true;
      handle.send(MessageStatus.ok, undefined);
    }
    const { error } = await outlet.over;
    if (error !== undefined) throw error;
    return sent;
  } finally {
    deadline.stop();
    progress.stop();
    // Its caller need not wait for it; closing the hypervisor does.
    if (leave === undefined) aside.release();
    else void leave();
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

interface Sent {
  readonly sent: number;
  /** Whether the source was sent to its end. */
  readonly isWhole: boolean;
}

/** Sends the source to its end, or until the upload is over before. */
const sendAll = async (
  handle: StreamHandle,
  outlet: Outlet,
  source: UploadSource,
  progress: Watchdog,
): Promise<Sent> => {
  const chunks = iterate(source);
  let sent = 0;
  for (;;) {
    // While the source is waited for, the daemon is not to blame for the silence.
    progress.stop();
    const step = await Promise.race([chunks.next(), outlet.over]);
    if ('error' in step) {
      abandon(chunks);
      return { sent, isWhole: false };
    }
    progress.restart();
    if (step.done === true) break;
    for (const packet of packetsOf(step.value)) {
      const over = await Promise.race([sendPacket(handle, MessageStatus.continue, packet), outlet.over]);
      if (over !== undefined) {
        abandon(chunks);
        return { sent, isWhole: false };
      }
      sent += packet.length;
      progress.restart();
    }
  }
  return { sent, isWhole: true };
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

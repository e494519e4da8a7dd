import type { StreamSink } from './call-queue.ts';
import type { StreamHandle } from './connection.ts';
import type { LibvirtError } from './errors.ts';
import { MAX_STREAM_PAYLOAD } from './protocol.ts';

/** Bytes that may wait for their reader before the daemon is made to wait. */
const HIGH_WATER = 1_048_576;

/** Stops and starts the reading of the connection that a stream comes over. */
export interface Flow {
  pause(): void;
  resume(): void;
}

/** How a stream ended: with an error, or well. */
export interface StreamOutcome {
  readonly error: LibvirtError | undefined;
}

/** Whether the daemon has done with a stream: only then may its connection go, see leaveStream. */
export interface StreamEnd {
  readonly isDone: boolean;
  /** Resolves once it has: it said so, or is gone. */
  readonly done: Promise<void>;
}

/** The sending end of a stream: an upload's. */
export class Outlet implements StreamSink, StreamEnd {
  /** Resolves once the stream is over, well or not: by the daemon's word, or by this side's. */
  readonly over: Promise<StreamOutcome>;
  readonly done: Promise<void>;
  #isDone = false;
  #finish!: () => void;
  #settle!: (outcome: StreamOutcome) => void;

  constructor() {
    this.over = new Promise((resolve) => {
      this.#settle = resolve;
    });
    this.done = new Promise((resolve) => {
      this.#finish = resolve;
    });
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  /** Ends it from this side; the daemon has not done with it by that. */
  giveUp(error: LibvirtError): void {
    this.#settle({ error });
  }

  onData(): void {
    // The daemon has none to send here.
  }

  onFinished(): void {
    this.#end({ error: undefined });
  }

  onFailed(error: LibvirtError): void {
    this.#end({ error });
  }

  #end(outcome: StreamOutcome): void {
    this.#isDone = true;
    this.#settle(outcome);
    this.#finish();
  }
}

/** The receiving end of a stream: holds what came until it is asked for, and makes the daemon wait beyond a bound. */
export class Inlet implements StreamSink, StreamEnd {
  readonly done: Promise<void>;
  readonly #flow: Flow;
  readonly #highWater: number;
  #chunks: Buffer[] = [];
  #held = 0;
  #paused = false;
  #outcome: StreamOutcome | undefined;
  #wake: (() => void) | undefined;
  #isDone = false;
  #settle!: () => void;

  constructor(flow: Flow, highWater = HIGH_WATER) {
    this.#flow = flow;
    this.#highWater = highWater;
    this.done = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  /** Whether the daemon has done with the stream. It has not after the last byte: that is for this side to confirm. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** Whether nothing more will come. */
  get isOver(): boolean {
    return this.#outcome !== undefined;
  }

  /** Bytes that wait for their reader. */
  get held(): number {
    return this.#held;
  }

  onData(bytes: Buffer): void {
    if (this.#outcome !== undefined) return;
    if (bytes.length === 0) {
      this.#end({ error: undefined });
      return;
    }
    this.#chunks.push(bytes);
    this.#held += bytes.length;
    if (!this.#paused && this.#held >= this.#highWater) {
      this.#paused = true;
      this.#flow.pause();
    }
    this.#wake?.();
  }

  onFinished(): void {
    this.#end({ error: undefined });
    this.#finish();
  }

  onFailed(error: LibvirtError): void {
    this.#end({ error });
    this.#finish();
  }

  #finish(): void {
    this.#isDone = true;
    this.#settle();
  }

  /** Ends it from this side; what is held is forgotten, and what comes is not kept. */
  discard(error?: LibvirtError): void {
    this.#chunks = [];
    this.#held = 0;
    this.#resume();
    this.#end({ error });
  }

  #resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#flow.resume();
  }

  #end(outcome: StreamOutcome): void {
    this.#outcome ??= outcome;
    this.#wake?.();
  }

  /** The next bytes; undefined at the end. For one reader. */
  async next(): Promise<Buffer | undefined> {
    for (;;) {
      const chunk = this.#take();
      if (chunk !== undefined) return chunk;
      if (this.#outcome?.error !== undefined) throw this.#outcome.error;
      if (this.#outcome !== undefined) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
  }

  #take(): Buffer | undefined {
    const chunk = this.#chunks.shift();
    this.#held -= chunk?.length ?? 0;
    if (this.#held <= this.#highWater / 4) this.#resume();
    return chunk;
  }
}

/** Sends one packet; resolves once the socket took it. */
export const sendPacket = (handle: StreamHandle, status: number, payload?: Uint8Array): Promise<void> =>
  new Promise((resolve) => handle.send(status, payload, resolve));

/** Cuts bytes into what one packet carries. */
export function* packetsOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += MAX_STREAM_PAYLOAD) yield bytes.subarray(at, at + MAX_STREAM_PAYLOAD);
}

import { HEADER_BYTES, MAX_FRAME, VERSION } from './protocol.ts';
import { XdrError } from './xdr.ts';
import type { XdrWriter } from './xdr.ts';

/** What stands before a payload. */
export interface Header {
  readonly program: number;
  readonly procedure: number;
  readonly type: number;
  readonly serial: number;
  readonly status: number;
}

/** Writes a message's length and header; returns the place to give to endFrame. */
export const beginFrame = (writer: XdrWriter, header: Header): number => {
  const start = writer.length;
  writer.u32(0);
  writer.u32(header.program);
  writer.u32(VERSION);
  writer.u32(header.procedure);
  writer.u32(header.type);
  writer.u32(header.serial);
  writer.u32(header.status);
  return start;
};

/** Fills in the length once the payload is written. */
export const endFrame = (writer: XdrWriter, start: number): void => {
  const length = writer.length - start;
  if (length > MAX_FRAME) throw new XdrError(`a message of ${length} bytes; ${MAX_FRAME} is the most`);
  writer.patch(start, length);
};

const lengthAt = (bytes: Buffer, at: number): number => {
  const length = bytes.readUInt32BE(at);
  if (length < HEADER_BYTES || length > MAX_FRAME) throw new XdrError(`a message that claims ${length} bytes`);
  return length;
};

/** Takes one whole message, bytes[start, end), which it may look at until it returns. */
export type FrameHandler = (bytes: Buffer, start: number, end: number) => void;

const SMALLEST = 4096;

/**
 * Cuts what a socket delivers into messages. Holds at most one that is not yet whole, in a buffer that grows with the
 * bytes that came (never more than twice those), whatever length the message claims.
 */
export class FrameSplitter {
  readonly #onFrame: FrameHandler;
  #partial = Buffer.alloc(0);
  #held = 0;
  #stopped = false;

  constructor(onFrame: FrameHandler) {
    this.#onFrame = onFrame;
  }

  /** Bytes of memory that it holds. */
  get capacity(): number {
    return this.#partial.length;
  }

  /** Hands on nothing more, not even what is left of a chunk under way. */
  stop(): void {
    this.#stopped = true;
    this.#partial = Buffer.alloc(0);
    this.#held = 0;
  }

  /**
   * Hands on each message that this chunk completes.
   *
   * @throws XdrError where the length is none that a message can have; nothing after that can be made sense of
   */
  push(chunk: Buffer): void {
    let at = this.#held === 0 ? 0 : this.#complete(chunk);
    while (!this.#stopped && chunk.length - at >= 4) {
      const end = at + lengthAt(chunk, at);
      if (end > chunk.length) break;
      this.#onFrame(chunk, at, end);
      at = end;
    }
    if (!this.#stopped && at < chunk.length) this.#hold(chunk, at, chunk.length);
  }

  /** Adds to the message that is held what belongs to it; returns where the rest of the chunk begins. */
  #complete(chunk: Buffer): number {
    let at = 0;
    if (this.#held < 4) {
      at = Math.min(4 - this.#held, chunk.length);
      this.#hold(chunk, 0, at);
      if (this.#held < 4) return at;
    }
    const length = lengthAt(this.#partial, 0);
    const end = Math.min(at + length - this.#held, chunk.length);
    this.#hold(chunk, at, end);
    if (this.#held === length) {
      const whole = this.#partial;
      this.#held = 0;
      if (whole.length > SMALLEST) this.#partial = Buffer.alloc(0);
      this.#onFrame(whole, 0, length);
    }
    return end;
  }

  #hold(chunk: Buffer, from: number, to: number): void {
    const needed = this.#held + to - from;
    if (needed > this.#partial.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(SMALLEST, needed, Math.min(needed * 2, MAX_FRAME)));
      this.#partial.copy(larger, 0, 0, this.#held);
      this.#partial = larger;
    }
    chunk.copy(this.#partial, this.#held, from, to);
    this.#held = needed;
  }
}

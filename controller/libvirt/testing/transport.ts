import type { Transport } from '../transport.ts';
import { parseAll } from './frames.ts';
import type { Message } from './frames.ts';

/** A transport that keeps what is written to it. */
export class FakeTransport implements Transport {
  readonly batches: boolean;
  writable = true;
  destroyed = false;
  paused = false;
  /** Each write as it came. */
  readonly writes: Buffer[] = [];

  constructor(batches = true) {
    this.batches = batches;
  }

  /** Every message written so far. */
  get messages(): readonly Message[] {
    return parseAll(Buffer.concat(this.writes));
  }

  write(bytes: Buffer): void {
    this.writes.push(bytes);
    if (!this.batches) this.writable = false;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  destroy(): void {
    this.destroyed = true;
  }
}

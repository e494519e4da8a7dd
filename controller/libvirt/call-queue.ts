import type { LibvirtError } from './errors.ts';
import type { Procedure } from './protocol.ts';
import type { XdrReader, XdrWriter } from './xdr.ts';

/** A call from the moment it is made until its reply. */
export interface PendingCall {
  readonly procedure: Procedure;
  readonly write: (writer: XdrWriter) => void;
  /** Reads the reply's payload and settles the promise with it. */
  readonly succeed: (reader: XdrReader) => void;
  readonly fail: (error: LibvirtError) => void;
  readonly sendBefore: number | undefined;
  readonly timeoutMs: number;
  /** Clock.now() by which it is to be answered. */
  readonly dueAt: number;
  /** 0 until it is sent. */
  serial: number;
  /** Its caller was told that the time is over; its place stays taken until the daemon answers. */
  abandoned: boolean;
}

/** The far end of a stream, as its connection sees it. */
export interface StreamSink {
  /** Data; empty at the end of the daemon's side. The bytes are the sink's own. */
  onData(bytes: Buffer): void;
  /** The daemon confirms the end. */
  onFinished(): void;
  /** The daemon gave it up, or the connection is lost. */
  onFailed(error: LibvirtError): void;
}

/** Calls that wait for a place, first come first served, and no more than a given number. */
export class CallQueue {
  readonly #limit: number;
  readonly #calls: PendingCall[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#calls.length;
  }

  get isFull(): boolean {
    return this.#calls.length >= this.#limit;
  }

  add(call: PendingCall): void {
    this.#calls.push(call);
  }

  next(): PendingCall | undefined {
    return this.#calls.shift();
  }

  /** Takes out those that are due by `now`. */
  takeDue(now: number): readonly PendingCall[] {
    const due = this.#calls.filter((call) => call.dueAt <= now);
    if (due.length > 0) this.#calls.splice(0, Infinity, ...this.#calls.filter((call) => call.dueAt > now));
    return due;
  }

  /** When the first of them is due; Infinity for none. */
  get dueAt(): number {
    return this.#calls.reduce((first, call) => Math.min(first, call.dueAt), Infinity);
  }

  takeAll(): readonly PendingCall[] {
    return this.#calls.splice(0);
  }
}

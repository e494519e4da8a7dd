import { CallQueue } from './call-queue.ts';
import type { PendingCall } from './call-queue.ts';
import { beginFrame, endFrame } from './frame.ts';
import type { Header } from './frame.ts';
import { KeepAlive, MAX_IN_FLIGHT, MessageStatus, MessageType, PROGRAM_KEEPALIVE, PROGRAM_REMOTE } from './protocol.ts';
import type { Transport } from './transport.ts';
import { XdrWriter } from './xdr.ts';

/** Why a call that waited was not sent. */
export type Unsent =
  { readonly why: 'too-late' | 'withheld' } | { readonly why: 'unencodable'; readonly cause: unknown };

/** What a sender needs of its connection. */
export interface SenderOptions {
  readonly maxQueued: number;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** See ConnectOptions. */
  readonly maySend: () => boolean;
  /** Told of a call that will not be sent. */
  readonly onUnsent: (call: PendingCall, unsent: Unsent) => void;
}

interface Packet {
  readonly bytes: Buffer;
  readonly onSent: (() => void) | undefined;
}

/** A microtask by way of this one is cheaper than queueMicrotask or nextTick, and this is on every call's path. */
const SOON = Promise.resolve();

const nothing = (): void => undefined;

/**
 * The writing half of a connection. Calls wait here until there is a place for them and the socket takes them, so what
 * was never handed to the socket is known never to have run.
 */
export class Sender {
  readonly queue: CallQueue;
  /** Sent and not yet answered, by serial. */
  readonly inFlight = new Map<number, PendingCall>();
  readonly #options: SenderOptions;
  readonly #writer = new XdrWriter();
  readonly #packets: Packet[] = [];
  #transport: Transport | undefined;
  #serial = 0;
  #scheduled = false;
  #pong = false;
  #isDetached = false;

  constructor(options: SenderOptions) {
    this.#options = options;
    this.queue = new CallQueue(options.maxQueued);
  }

  /** Calls made before have waited for it. */
  attach(transport: Transport): void {
    this.#transport = transport;
    this.schedule();
  }

  /** Sends nothing more. */
  detach(): void {
    this.#transport = undefined;
    this.#isDetached = true;
    for (const { onSent } of this.#packets.splice(0)) onSent?.();
  }

  add(call: PendingCall): void {
    this.queue.add(call);
    this.schedule();
  }

  /** Answers the daemon's ping. A peer that pings without reading gets one answer, not a backlog of them. */
  pong(): void {
    this.#pong = true;
    this.schedule();
  }

  ping(): void {
    this.#encode({ program: PROGRAM_KEEPALIVE, procedure: KeepAlive.ping, ...message }, nothing);
    this.#enqueue(undefined);
  }

  /** Sends a packet of a stream; `onSent` tells that the socket took it, or at once where there is none any more. */
  packet(call: PendingCall, status: number, payload: Uint8Array | undefined, onSent?: () => void): void {
    if (this.#isDetached) {
      onSent?.();
      return;
    }
    const { number: procedure } = call.procedure;
    const { stream: type } = MessageType;
    this.#encode({ program: PROGRAM_REMOTE, procedure, type, serial: call.serial, status }, (writer) => {
      if (payload !== undefined) writer.raw(payload);
    });
    this.#enqueue(onSent);
  }

  #enqueue(onSent: (() => void) | undefined): void {
    this.#packets.push({ bytes: this.#writer.takeBytes(), onSent });
    this.schedule();
  }

  /** Once for all that is asked for together, behind what the replies of this moment lead to: one write takes it all. */
  schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    void SOON.then(this.#send);
  }

  readonly #send = (): void => {
    this.#scheduled = false;
    while (this.#transport?.writable === true) {
      const bytes = this.#next(this.#transport.batches);
      if (bytes === undefined) return;
      this.#transport.write(bytes);
    }
  };

  #next(batches: boolean): Buffer | undefined {
    const packet = this.#packets.shift();
    if (packet !== undefined) {
      packet.onSent?.();
      return packet.bytes;
    }
    if (this.#pong) {
      this.#pong = false;
      this.#encode({ program: PROGRAM_KEEPALIVE, procedure: KeepAlive.pong, ...message }, nothing);
      return this.#writer.takeBytes();
    }
    let more = true;
    while (more && this.inFlight.size < MAX_IN_FLIGHT) more = this.#encodeNextCall() && batches;
    return this.#writer.length === 0 ? undefined : this.#writer.takeBytes();
  }

  /** Encodes the next call that can be sent; false where none is left. */
  #encodeNextCall(): boolean {
    for (let call = this.queue.next(); call !== undefined; call = this.queue.next()) {
      if (!this.#options.maySend()) {
        this.#options.onUnsent(call, { why: 'withheld' });
      } else if (call.sendBefore !== undefined && this.#options.now() > call.sendBefore) {
        this.#options.onUnsent(call, { why: 'too-late' });
      } else if (this.#encodeCall(call)) {
        return true;
      }
    }
    return false;
  }

  #encodeCall(call: PendingCall): boolean {
    const start = this.#writer.length;
    const { number: procedure } = call.procedure;
    const serial = this.#nextSerial();
    try {
      this.#encode(
        { program: PROGRAM_REMOTE, procedure, type: MessageType.call, serial, status: MessageStatus.ok },
        call.write,
      );
    } catch (cause) {
      this.#writer.truncate(start);
      this.#options.onUnsent(call, { why: 'unencodable', cause });
      return false;
    }
    call.serial = serial;
    this.inFlight.set(serial, call);
    return true;
  }

  #nextSerial(): number {
    do this.#serial = this.#serial === 0x7fff_ffff ? 1 : this.#serial + 1;
    while (this.inFlight.has(this.#serial));
    return this.#serial;
  }

  #encode(header: Header, write: (writer: XdrWriter) => void): void {
    const start = beginFrame(this.#writer, header);
    write(this.#writer);
    endFrame(this.#writer, start);
  }
}

const message = { type: MessageType.message, serial: 0, status: MessageStatus.ok } as const;

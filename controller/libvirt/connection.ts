import type { PendingCall, StreamSink } from './call-queue.ts';
import { Deadlines } from './deadlines.ts';
import { LibvirtError } from './errors.ts';
import type { LibvirtErrorKind } from './errors.ts';
import { FrameSplitter } from './frame.ts';
import { KeepAlive } from './keepalive.ts';
import {
  KeepAlive as KeepAliveProcedure,
  MAX_IN_FLIGHT,
  MessageStatus,
  MessageType,
  PROGRAM_KEEPALIVE,
  PROGRAM_REMOTE,
  VERSION,
} from './protocol.ts';
import type { Procedure } from './protocol.ts';
import { Sender } from './sender.ts';
import type { Unsent } from './sender.ts';
import type { Transport } from './transport.ts';
import type { CallOptions, Clock } from './types.ts';
import { readFailure } from './failure.ts';
import { XdrError, XdrReader } from './xdr.ts';
import type { XdrWriter } from './xdr.ts';

/** What a connection is made with, and reports to. */
export interface ConnectionOptions {
  readonly uri: string;
  readonly clock: Clock;
  readonly maxQueued: number;
  /** See ConnectOptions. */
  readonly maySend?: (() => boolean) | undefined;
  /** A message that is no reply. May throw XdrError, which ends the connection; nothing else. */
  readonly onEvent: (procedure: number, reader: XdrReader) => void;
  /** Once, after all that was pending was rejected. */
  readonly onLost: (error: LibvirtError) => void;
}

/** A call's limits; its time-out in milliseconds is a must. */
export type CallLimits = CallOptions & { readonly timeoutMs: number };

/** A stream that was opened: how to answer on it. */
export interface StreamHandle {
  /** `onSent` tells that the socket took it. */
  send(status: number, payload: Uint8Array | undefined, onSent?: () => void): void;
}

interface OpenStream {
  readonly call: PendingCall;
  readonly sink: StreamSink;
}

/**
 * One connection to the daemon: at most MAX_IN_FLIGHT calls unanswered, the rest wait in a bounded queue. A call that
 * runs out of time keeps its place, for the daemon still counts it; a connection whose every place is kept that way is
 * of no more use and is given up.
 */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #splitter = new FrameSplitter((bytes, start, end) => this.#onFrame(bytes, start, end));
  readonly #reader = new XdrReader();
  readonly #sender: Sender;
  readonly #deadlines: Deadlines;
  #transport: Transport | undefined;
  #keepAlive: KeepAlive | undefined;
  #stream: OpenStream | undefined;
  #lost: LibvirtError | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#deadlines = new Deadlines(options.clock, (now) => this.#expire(now));
    this.#sender = new Sender({
      maxQueued: options.maxQueued,
      now: () => options.clock.now(),
      maySend: options.maySend ?? (() => true),
      onUnsent: (call, unsent) => this.#onUnsent(call, unsent),
    });
  }

  /** Calls made before have waited for it. */
  attach(transport: Transport): void {
    if (this.#lost !== undefined) {
      transport.destroy();
      return;
    }
    this.#transport = transport;
    this.#sender.attach(transport);
  }

  /** Begins to ping a daemon that says nothing. */
  startKeepAlive(options: { readonly intervalMs: number; readonly misses: number }): void {
    if (this.#lost !== undefined) return;
    this.#keepAlive = new KeepAlive({
      ...options,
      clock: this.#options.clock,
      ping: () => this.#sender.ping(),
      dead: () => this.fail('connection-lost', `no sign of life after ${options.misses} pings`),
    });
  }

  /** Makes a call. `write` is run when it is sent, `read` on its reply. */
  call<R>(
    procedure: Procedure,
    write: (writer: XdrWriter) => void,
    read: (reader: XdrReader) => R,
    limits: CallLimits,
  ): Promise<R> {
    return new Promise<R>((resolve, reject) => {
      const succeed = (reader: XdrReader): void => {
        const result = read(reader);
        reader.done();
        resolve(result);
      };
      this.#add({ procedure, write, succeed, fail: reject, ...this.#bounds(limits) });
    });
  }

  /** Makes a call that opens a stream; a connection carries one. */
  openStream(
    procedure: Procedure,
    write: (writer: XdrWriter) => void,
    sink: StreamSink,
    limits: CallLimits,
  ): Promise<StreamHandle> {
    return new Promise<StreamHandle>((resolve, reject) => {
      const handle: StreamHandle = {
        send: (status, payload, onSent) => this.#sender.packet(call, status, payload, onSent),
      };
      const succeed = (): void => resolve(handle);
      const call: PendingCall = { procedure, write, succeed, fail: reject, ...this.#bounds(limits) };
      // Before it is sent: data can come right behind the reply.
      this.#stream = { call, sink };
      this.#add(call);
    });
  }

  #bounds({ sendBefore, timeoutMs }: CallLimits): Omit<PendingCall, 'procedure' | 'write' | 'succeed' | 'fail'> {
    return { sendBefore, timeoutMs, dueAt: this.#options.clock.now() + timeoutMs, serial: 0, abandoned: false };
  }

  #add(call: PendingCall): void {
    const { name } = call.procedure;
    if (this.#lost !== undefined) {
      call.fail(this.#error(this.#lost.kind === 'closed' ? 'closed' : 'not-connected', name, 'not connected', false));
    } else if (this.#sender.queue.isFull) {
      call.fail(this.#error('queue-full', name, `${this.#sender.queue.size} calls wait already`, false));
    } else {
      this.#deadlines.watch(call.dueAt);
      this.#sender.add(call);
    }
  }

  /** Deals with the calls that ran out of time; when the next one does. */
  #expire(now: number): number {
    const { queue, inFlight } = this.#sender;
    const expired = (call: PendingCall, wasSent: boolean): void =>
      call.fail(this.#error('timeout', call.procedure.name, `no answer within ${call.timeoutMs} ms`, wasSent));
    for (const call of queue.takeDue(now)) expired(call, false);
    let stuck = 0;
    let next = queue.dueAt;
    for (const call of inFlight.values()) {
      if (!call.abandoned && call.dueAt <= now) {
        call.abandoned = true;
        expired(call, true);
      }
      if (call.abandoned) stuck++;
      else next = Math.min(next, call.dueAt);
    }
    if (stuck < MAX_IN_FLIGHT) return next;
    this.fail('connection-lost', `${stuck} calls are left unanswered, so it takes no more`);
    return Infinity;
  }

  #onUnsent(call: PendingCall, unsent: Unsent): void {
    const { name } = call.procedure;
    switch (unsent.why) {
      case 'withheld':
        call.fail(this.#error('withheld', name, 'its caller may not send any more', false));
        return;
      case 'too-late':
        call.fail(this.#error('timeout', name, 'the time until which it was to be sent is over', false));
        return;
      case 'unencodable': {
        const why = unsent.cause instanceof Error ? unsent.cause.message : 'it cannot be encoded';
        call.fail(this.#error('protocol', name, why, false, unsent.cause));
      }
    }
  }

  /** For the transport: takes what came. */
  onData(bytes: Buffer): void {
    this.#keepAlive?.heard();
    try {
      this.#splitter.push(bytes);
    } catch (error) {
      if (!(error instanceof XdrError)) throw error;
      this.fail('protocol', `the daemon sent ${error.message}`, error);
    }
  }

  /** For the transport: it takes more. */
  onWritable(): void {
    this.#sender.schedule();
  }

  #onFrame(bytes: Buffer, start: number, end: number): void {
    const reader = this.#reader.reset(bytes, start + 4, end);
    const program = reader.u32();
    const version = reader.u32();
    const procedure = reader.u32();
    const type = reader.u32();
    const serial = reader.u32();
    const status = reader.u32();
    if (version !== VERSION) throw new XdrError(`a message of version ${version}`);
    if (program === PROGRAM_KEEPALIVE) {
      if (procedure === KeepAliveProcedure.ping) this.#sender.pong();
    } else if (program !== PROGRAM_REMOTE) {
      throw new XdrError(`a message of program ${program}`);
    } else if (type === MessageType.reply) {
      this.#onReply(serial, procedure, status, reader);
    } else if (type === MessageType.message) {
      this.#options.onEvent(procedure, reader);
    } else if (type === MessageType.stream) {
      this.#onStream(serial, status, reader);
    } else {
      throw new XdrError(`a message of type ${type}`);
    }
  }

  #onReply(serial: number, procedure: number, status: number, reader: XdrReader): void {
    const call = this.#sender.inFlight.get(serial);
    if (call?.procedure.number !== procedure) throw new XdrError(`a reply to no call (${procedure}, ${serial})`);
    this.#sender.inFlight.delete(serial);
    if (this.#sender.queue.size > 0) this.#sender.schedule();
    if (call.abandoned) return;
    try {
      if (status === MessageStatus.ok) {
        call.succeed(reader);
      } else {
        call.fail(readFailure(reader, this.#options.uri, call.procedure));
      }
    } catch (error) {
      if (!(error instanceof XdrError)) throw error;
      // The next message begins where the length said: only this reply is lost.
      call.fail(this.#error('protocol', call.procedure.name, `reply with ${error.message}`, true, error));
    }
  }

  #onStream(serial: number, status: number, reader: XdrReader): void {
    const stream = this.#stream;
    if (stream?.call.serial !== serial) return;
    if (status === MessageStatus.continue) {
      stream.sink.onData(reader.rest());
      return;
    }
    this.#stream = undefined;
    if (status === MessageStatus.ok) stream.sink.onFinished();
    else stream.sink.onFailed(readFailure(reader, this.#options.uri, stream.call.procedure));
  }

  #error(kind: LibvirtErrorKind, procedure: string, why: string, mayHaveRun: boolean, cause?: unknown): LibvirtError {
    return new LibvirtError(why, { kind, uri: this.#options.uri, procedure, mayHaveRun, cause });
  }

  /** Ends it, unless it has ended: rejects what is pending, then tells onLost. */
  fail(kind: 'connection-lost' | 'closed' | 'protocol' | 'timeout', why: string, cause?: unknown): void {
    if (this.#lost !== undefined) return;
    const lost = this.#error(kind, 'connection', why, false, cause);
    this.#lost = lost;
    this.#keepAlive?.stop();
    this.#deadlines.stop();
    this.#splitter.stop();
    this.#sender.detach();
    this.#transport?.destroy();
    const pendingKind = kind === 'protocol' ? 'connection-lost' : kind;
    const reject = (call: PendingCall, mayHaveRun: boolean): void => {
      if (!call.abandoned) call.fail(this.#error(pendingKind, call.procedure.name, why, mayHaveRun, lost));
    };
    for (const call of this.#sender.inFlight.values()) reject(call, true);
    this.#sender.inFlight.clear();
    for (const call of this.#sender.queue.takeAll()) reject(call, false);
    this.#stream?.sink.onFailed(lost);
    this.#stream = undefined;
    this.#options.onLost(lost);
  }

  /** Stops reading, so that the daemon has to wait. */
  pause(): void {
    this.#transport?.pause();
  }

  resume(): void {
    this.#transport?.resume();
  }

  /** Whether it carries calls. */
  get isOpen(): boolean {
    return this.#lost === undefined && this.#transport !== undefined;
  }
}

import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import type { Clock, Timer } from './clock.ts';

/** An exchange without a usable answer. */
export class WireError extends Error {
  override readonly name = 'WireError';
  readonly kind: 'transport' | 'timeout' | 'aborted' | 'credentials' | 'malformed';
  /** Whether the request may have reached the server. */
  readonly sent: boolean;

  constructor(kind: WireError['kind'], message: string, sent: boolean, cause?: unknown) {
    super(message, { cause });
    this.kind = kind;
    this.sent = sent;
  }
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface StreamReply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Single pass. Throws WireError. */
  readonly body: AsyncIterable<Buffer>;
  close(): void;
}

/** More than any list page here; a server that sends more is not believed. */
const MAX_BODY_BYTES = 256 * 1024 * 1024;
/** Chunks of a stream that may wait for their reader before the socket is paused. */
const MAX_WAITING_CHUNKS = 16;

/**
 * The common half of both handlers: one result, a deadline and a signal. undici gives a queued request no controller until
 * it is about to be sent, so a request that ended before is cut in onRequestStart, and never reaches the server.
 */
abstract class Handler<R> implements Dispatcher.DispatchHandler {
  readonly result: Promise<R>;
  settled = false;
  protected sent = false;
  protected controller: Dispatcher.DispatchController | undefined;
  readonly #settle: PromiseWithResolvers<R>;
  #timer: Timer | undefined;
  #signal: AbortSignal | undefined;
  readonly #onAbort = (): void => this.abort(new WireError('aborted', 'the caller gave up', this.sent));

  constructor() {
    this.#settle = Promise.withResolvers<R>();
    this.result = this.#settle.promise;
  }

  start(clock: Clock, timeoutMs: number, signal: AbortSignal | undefined): void {
    this.#timer = clock.after(timeoutMs, () => {
      this.abort(new WireError('timeout', `no answer within ${Math.round(timeoutMs)} ms`, this.sent));
    });
    this.#signal = signal;
    if (signal?.aborted === true) this.#onAbort();
    else signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  failCredentials(cause: unknown): void {
    this.reject(new WireError('credentials', cause instanceof Error ? cause.message : String(cause), false, cause));
  }

  failClosed(): void {
    this.reject(new WireError('aborted', 'the client is closed', false));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    if (this.settled) controller.abort(new WireError('aborted', 'ended while queued', false));
    else this.sent = true;
  }

  abstract onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void;
  abstract onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void;
  abstract onResponseEnd(): void;

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    this.fail(error instanceof WireError ? error : new WireError('transport', describeCause(error), this.sent, error));
  }

  protected fail(error: WireError): void {
    this.reject(error);
  }

  protected abort(error: WireError): void {
    this.fail(error);
    this.controller?.abort(error);
  }

  /** No deadline from here on. The signal stays. */
  protected stopTimer(): void {
    this.#timer?.cancel();
  }

  protected release(): void {
    this.stopTimer();
    this.#signal?.removeEventListener('abort', this.#onAbort);
  }

  protected resolve(value: R): void {
    if (this.settled) return;
    this.settled = true;
    this.#settle.resolve(value);
  }

  protected reject(error: WireError): void {
    this.release();
    if (this.settled) return;
    this.settled = true;
    this.#settle.reject(error);
  }
}

/** Collects a whole answer. */
export class BodyCollector extends Handler<Reply> {
  readonly #chunks: Buffer[] = [];
  #status = 0;
  #headers: IncomingHttpHeaders = {};
  #length = 0;

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (status < 200) return;
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#length += chunk.length;
    if (this.#length > MAX_BODY_BYTES) this.abort(new WireError('malformed', 'the answer is too long', this.sent));
    else this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    this.release();
    const [first] = this.#chunks;
    const body = this.#chunks.length === 1 && first !== undefined ? first : Buffer.concat(this.#chunks);
    this.resolve({ status: this.#status, headers: this.#headers, body });
  }
}

/** Hands an answer out while it comes, and pauses the connection when its reader is slow. */
export class BodyStream extends Handler<StreamReply> {
  #waiting: Buffer[] = [];
  #end: { readonly error: WireError | undefined } | undefined;
  #wake: (() => void) | undefined;
  #paused = false;

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (status < 200) return;
    this.stopTimer();
    const close = (): void => this.abort(new WireError('aborted', 'closed by its reader', true));
    this.resolve({ status, headers, body: this.#read(), close });
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#waiting.push(chunk);
    if (this.#waiting.length >= MAX_WAITING_CHUNKS && !this.#paused) {
      this.#paused = true;
      controller.pause();
    }
    this.#wake?.();
  }

  onResponseEnd(): void {
    this.release();
    this.#finish(undefined);
  }

  protected override fail(error: WireError): void {
    this.reject(error);
    this.#finish(error);
  }

  #finish(error: WireError | undefined): void {
    this.#end ??= { error };
    this.#wake?.();
  }

  async *#read(): AsyncGenerator<Buffer, void, undefined> {
    try {
      for (;;) {
        const chunks = this.#waiting;
        this.#waiting = [];
        if (this.#paused) {
          this.#paused = false;
          this.controller?.resume();
        }
        if (chunks.length > 0) yield chunks.length === 1 ? (chunks[0] ?? Buffer.alloc(0)) : Buffer.concat(chunks);
        else if (this.#end !== undefined) {
          if (this.#end.error !== undefined) throw this.#end.error;
          return;
        } else await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } finally {
      if (this.#end === undefined) this.abort(new WireError('aborted', 'closed by its reader', true));
    }
  }
}

/** undici wraps some causes (TLS, happy eyeballs) in errors without a message of their own. */
function describeCause(error: Error): string {
  if (error instanceof AggregateError && error.errors.length > 0) {
    return error.errors.map((each) => (each instanceof Error ? each.message : String(each))).join('; ');
  }
  const inner = error.cause instanceof Error && error.cause.message !== error.message ? `: ${error.cause.message}` : '';
  return (error.message === '' ? error.name : error.message) + inner;
}

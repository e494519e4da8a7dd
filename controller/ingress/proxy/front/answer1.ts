import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

import type { Clock } from '#controller/kube/clock.ts';
import { eitherOf } from '../either.ts';
import type { Answer, AnswerState, FlatHeaders, WholeAnswer } from '../exchange.ts';
import { fieldsOf, flatten } from '../head/fields.ts';
import type { ReadAhead } from '../read-ahead.ts';
import type { Rush } from '../rush.ts';
import { closeAfterRush, closeGently } from './closing.ts';
import type { ClosingLimits } from './closing.ts';

export interface Http1 {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly socket: Socket;
  readonly body: () => ReadAhead;
  readonly bodyIsWhole: () => boolean;
  /** Whether each answer says that it is its connection's last. */
  readonly isLast: () => boolean;
  readonly mayUpgrade: boolean;
  /** Told when the connection is no longer HTTP. */
  readonly onUpgrade: () => void;
  /** Told when no more can be answered: the answer is whole, or broken. */
  readonly onClose: (state: AnswerState) => void;
  readonly limits: ClosingLimits;
  readonly rush: Rush;
  readonly clock: Clock;
}

const NOTHING = Buffer.alloc(0);

/** The answer of an HTTP/1 request; Node writes the framing, by the headers it is given. */
export class Answer1 implements Answer {
  readonly #parts: Http1;
  /** Only where the request may: see Answer. */
  readonly upgrade: Answer['upgrade'];
  #state: AnswerState = 'open';

  constructor(parts: Http1) {
    this.#parts = parts;
    this.upgrade = parts.mayUpgrade ? (headers) => this.#upgrade(headers) : undefined;
    parts.response.once('close', () => {
      if (this.#state !== 'whole') this.#state = 'broken';
      parts.onClose(this.#state);
    });
  }

  get state(): AnswerState {
    return this.#state;
  }

  get pending(): number {
    // What a stream holds falls by whole chunks; what the kernel has not taken of one, by bytes.
    return this.#parts.response.writableLength + queuedOf(this.#parts.socket);
  }

  goOn(): void {
    if (this.#mayInform()) this.#parts.response.writeContinue();
  }

  inform(status: number, headers: FlatHeaders): void {
    if (this.#mayInform()) this.#parts.socket.write(informationOf(status, headers), 'latin1');
  }

  begin(status: number, headers: FlatHeaders, length: number | undefined): void {
    if (!this.#writeHead(status, headers, length)) return;
    this.#sendAtOnce();
    // The head at once; flushHeaders() would write bytes above 0x7F of it as UTF-8, and so as others than came.
    this.#parts.response.write(NOTHING);
  }

  write(chunk: Buffer): boolean {
    return this.#isUnderway() ? this.#parts.response.write(chunk) : true;
  }

  drained(): Promise<void> {
    const { response } = this.#parts;
    return this.#isUnderway() && response.writableNeedDrain ? eitherOf(response, 'drain', 'close') : Promise.resolve();
  }

  end(trailers: FlatHeaders = []): Promise<void> {
    const { request, response } = this.#parts;
    if (!this.#isUnderway()) return Promise.resolve();
    if (trailers.length > 0 && request.httpVersion !== '1.0') {
      response.addTrailers(fieldsOf(trailers).map(({ name, value }): [string, string] => [name, value]));
    }
    return this.#end();
  }

  /** Head and body in one write: crowds are refused by this. Its own headers are ASCII. */
  whole({ status, headers, body }: WholeAnswer): Promise<void> {
    const { request, response, socket, bodyIsWhole, rush } = this.#parts;
    const bytes = Buffer.byteLength(body);
    if (!this.#writeHead(status, headers, bytes)) return Promise.resolve();
    // Its length is told, so that no visitor waits for the close.
    if (!response.shouldKeepAlive && bodyIsWhole()) closeAfterRush(socket, rush);
    if (request.method === 'HEAD') return this.#end();
    // The same bytes where all of it is ASCII, and the sooner written.
    return this.#end(body, bytes === body.length ? 'latin1' : 'utf8');
  }

  cut(): void {
    if (this.#state !== 'whole') this.#state = 'broken';
    reset(this.#parts.socket);
  }

  #isDead(): boolean {
    return this.#parts.socket.destroyed || this.#parts.response.destroyed;
  }

  #isUnderway(): boolean {
    return this.#state === 'begun' && !this.#isDead();
  }

  #mayInform(): boolean {
    if (this.#state !== 'open' || this.#isDead() || this.#parts.request.httpVersion === '1.0') return false;
    this.#sendAtOnce();
    return true;
  }

  /** An answer that is written in pieces must not wait for its first to be acknowledged; see TCP_NODELAY in tcp(7). */
  #sendAtOnce(): void {
    this.#parts.socket.setNoDelay(true);
  }

  /** Returns whether it is this answer's to begin. */
  #writeHead(status: number, headers: FlatHeaders, length: number | undefined): boolean {
    const { response, isLast, mayUpgrade, bodyIsWhole } = this.#parts;
    if (this.#state !== 'open' || this.#isDead()) return false;
    this.#state = 'begun';
    const all = [...headers];
    if (length !== undefined) all.push('Content-Length', String(length));
    if (isLast() || mayUpgrade || !bodyIsWhole()) all.push('Connection', 'close');
    response.writeHead(status, all);
    return true;
  }

  #end(rest?: string, encoding: BufferEncoding = 'utf8'): Promise<void> {
    const { response, socket, body, bodyIsWhole, limits, clock } = this.#parts;
    this.#state = 'whole';
    // What Node calls once the last answer of a connection is written.
    if (!bodyIsWhole()) socket.destroySoon = () => closeGently(socket, body(), limits, clock);
    const done = eitherOf(response, 'finish', 'close');
    response.end(rest, encoding);
    return done;
  }

  #upgrade(headers: FlatHeaders): Duplex {
    const { response, socket, onUpgrade } = this.#parts;
    this.#state = 'whole';
    response.detachSocket(socket);
    onUpgrade();
    this.#sendAtOnce();
    if (!this.#isDead()) socket.write(informationOf(101, headers), 'latin1');
    return socket;
  }
}

const REASONS: Readonly<Record<number, string>> = { 101: 'Switching Protocols', 102: 'Processing', 103: 'Early Hints' };

const informationOf = (status: number, headers: FlatHeaders): string => {
  const flat = flatten(fieldsOf(headers));
  const lines = fieldsOf(flat).map(({ name, value }) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${REASONS[status] ?? 'Information'}\r\n${lines.join('')}\r\n`;
};

/** So that a broken answer cannot be taken for one that ended by its close; TLS has no such form, but says when it was cut. */
const reset = (socket: Socket): void => {
  if (socket.destroyed) return;
  if ('encrypted' in socket) socket.destroy();
  else socket.resetAndDestroy();
};

/** As Node's own socket time-out looks at it; there is no public name for it. */
const queuedOf = (socket: Socket): number => {
  const handle = (socket as { readonly _handle?: { readonly writeQueueSize?: number } | null })._handle;
  return handle?.writeQueueSize ?? 0;
};

import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

import type { Timer } from '#controller/kube/clock.ts';
import { eitherOf } from '../either.ts';
import { flatten, passableTrailers } from '../head/fields.ts';
import { ReadAhead } from '../read-ahead.ts';
import { connectTo } from './connect.ts';
import { join } from './joint.ts';
import { readGuestHead } from './message.ts';
import { createOnward } from './onward.ts';
import type { Onward } from './onward.ts';
import { RateMeter } from './rate.ts';
import type { Counted, Fault, GuestAddress, Leg, Outcome } from './types.ts';

const MAX_INFORMATION = 16;

/**
 * A request on its way to a guest, and its answer on the way back; one request, one connection. Made before the guest is
 * reachable, so that nothing is left to do then but to connect and to send.
 */
export class Passage {
  readonly #leg: Leg;
  readonly #onward: Onward;
  readonly #deadline: number;
  readonly #timers = new Set<Timer>();
  readonly #up: RateMeter;
  readonly #down: RateMeter;
  readonly #outcome = Promise.withResolvers<Outcome>();
  #socket: Socket | undefined;
  #answerAhead: ReadAhead | undefined;
  #response: IncomingMessage | undefined;
  #isOver = false;
  #isSent = false;
  #isWhole = false;
  #isUpgraded = false;
  #isExempt = false;
  #written = 0;
  #informed = 0;

  constructor(leg: Leg) {
    const { exchange, limits, clock } = leg;
    this.#leg = leg;
    this.#onward = createOnward(exchange.head);
    this.#deadline = clock.now() + limits.totalMs;
    this.#up = this.#meter(() => exchange.body.received);
    this.#down = this.#meter(() => this.#written - exchange.answer.pending);
  }

  /**
   * Passes it to this guest, once alone. Resolves when the answer is over, with all that was opened for it closed; where
   * the visitor has no head yet the answer is left to the caller. Never rejects.
   */
  async to(guest: GuestAddress): Promise<Outcome> {
    const { exchange, limits, clock, onMark } = this.#leg;
    const ms = Math.max(Math.min(limits.connectMs, this.#deadline - clock.now()), 1);
    const connected = await connectTo(guest, ms, clock, exchange.signal);
    if (connected.kind === 'failed') {
      const fault = exchange.signal.aborted ? 'visitor-left' : 'not-connected';
      const none = { bytesUp: 0, bytesDown: 0, sent: false, answered: false };
      return { kind: 'failed', fault, cause: connected.cause, ...none };
    }
    onMark('connected');
    this.#socket = connected.socket;
    return this.#run(connected.socket);
  }

  #run(socket: Socket): Promise<Outcome> {
    const { exchange, limits, clock, ended } = this.#leg;
    const leave = () => this.#fail('visitor-left', 'the visitor left');
    exchange.signal.addEventListener('abort', leave, { once: true });
    if (exchange.signal.aborted) leave();
    else {
      this.#ask(socket);
      this.#after(this.#deadline - clock.now(), () => {
        if (!this.#isUpgraded) this.#fail('total-limit', `not over within ${limits.totalMs} ms`);
      });
      void ended.then(() => this.#awaitSilence());
    }
    const { promise } = this.#outcome;
    void promise.then(() => exchange.signal.removeEventListener('abort', leave));
    return promise;
  }

  #ask(socket: Socket): void {
    const { exchange, onMark } = this.#leg;
    const { head, answer } = exchange;
    const { request } = this.#onward;
    request.on('information', ({ statusCode, rawHeaders }) => this.#inform(statusCode, rawHeaders));
    // What cannot even be written on was no answer, whatever it was.
    const spoil = (error: unknown) => this.#fail('bad-answer', String(error));
    request.once('response', (response) => void this.#answer(request, response).catch(spoil));
    request.once('upgrade', (response, guest, first) => void this.#upgrade(response, guest, first).catch(spoil));
    request.on('error', (error: NodeJS.ErrnoException) => this.#onError(error));
    request.once('close', () => this.#onError(new Error('the guest closed its connection')));
    this.#onward.sendOver(socket);
    this.#isSent = true;
    onMark('sent');
    if (head.expectsContinue) answer.goOn();
    if (head.framing.kind !== 'none') void this.#send(request);
  }

  /** The body; all else is on its way. */
  async #send(request: ClientRequest): Promise<void> {
    const { head, body, trailers } = this.#leg.exchange;
    for (let chunk = await this.#take(body); chunk !== undefined; chunk = await this.#take(body)) {
      if (this.#isOver || this.#isWhole || request.destroyed) return;
      if (!request.write(chunk)) await eitherOf(request, 'drain', 'close');
    }
    // What broke is the visitor's connection, of which the signal tells.
    if (body.state === 'broken' || this.#isOver || this.#isWhole || request.destroyed) return;
    const passed = head.framing.kind === 'open' ? passableTrailers(trailers()) : [];
    if (passed.length > 0) request.addTrailers(passed.map(({ name, value }): [string, string] => [name, value]));
    request.end();
  }

  async #take(body: ReadAhead): Promise<Buffer | undefined> {
    if (body.held === 0 && !this.#isExempt && !this.#isOver) this.#up.begin();
    const chunk = await body.next();
    this.#up.end();
    return chunk;
  }

  #inform(status: number, rawHeaders: readonly string[]): void {
    this.#informed++;
    const reading = readGuestHead(rawHeaders);
    if (this.#informed > MAX_INFORMATION) this.#fail('bad-answer', 'too many interim answers');
    else if (reading.kind === 'unsound') this.#fail('bad-answer', reading.why);
    else if (status > 101 && !this.#isOver) this.#leg.exchange.answer.inform(status, reading.headers);
  }

  async #answer(request: ClientRequest, response: IncomingMessage): Promise<void> {
    const { exchange, limits, budget, decorate, onMark } = this.#leg;
    const { answer, head } = exchange;
    const { statusCode: status = 0 } = response;
    const reading = readGuestHead(response.rawHeaders);
    if (reading.kind === 'unsound' || status < 200 || status > 599) {
      this.#fail('bad-answer', reading.kind === 'unsound' ? reading.why : `status ${status}`);
      return;
    }
    if (this.#isOver) return;
    this.#response = response;
    onMark('head');
    this.#isExempt = reading.isEventStream;
    if (this.#isExempt) this.#endMeters();
    const ahead = new ReadAhead(response, limits.answerAheadBytes, budget);
    this.#answerAhead = ahead;
    response.once('end', () => this.#whole(request, response));
    const isBodyless = head.method === 'HEAD' || status === 204 || status === 304;
    const length = status === 204 ? undefined : reading.length;
    answer.begin(status, [...reading.headers, ...decorate(status)], length);
    for (let chunk = await ahead.next(); chunk !== undefined; chunk = await ahead.next()) {
      if (this.#wasEnded()) return;
      if (!isBodyless) await this.#give(chunk);
    }
    // A break is told by the request's own events; an end that is none, by its message.
    if (ahead.state !== 'ended' || !response.complete) {
      this.#fail('guest-ended', 'the answer ended before it was whole');
      return;
    }
    await answer.end(flatten(passableTrailers(response.rawTrailers)));
    if (exchange.signal.aborted) this.#fail('visitor-left', 'the visitor left');
    else this.#finish({ kind: 'answered', status, ...this.#counted() });
  }

  async #give(chunk: Buffer): Promise<void> {
    const { answer } = this.#leg.exchange;
    this.#written += chunk.length;
    if (answer.write(chunk)) return;
    if (!this.#isExempt) this.#down.begin();
    await answer.drained();
    this.#down.end();
  }

  /** The guest has said all; it is let go before the visitor has taken it, and whatever of the request it did not want. */
  #whole(request: ClientRequest, response: IncomingMessage): void {
    if (!response.complete) return;
    this.#isWhole = true;
    this.#up.end();
    this.#leg.onMark('answered');
    if (request.writableFinished) this.#socket?.destroySoon();
    else request.destroy();
  }

  async #upgrade(response: IncomingMessage, guest: Duplex, first: Buffer): Promise<void> {
    const { exchange, limits, clock, budget, decorate, ended, onMark } = this.#leg;
    const { head, answer, body, signal } = exchange;
    const asked = head.upgrades[0];
    const given = (response.headers.upgrade ?? '').toLowerCase();
    const reading = readGuestHead(response.rawHeaders);
    if (asked === undefined || given !== asked || answer.upgrade === undefined || reading.kind === 'unsound') {
      this.#fail('bad-answer', 'it switched to what was not asked for');
      return;
    }
    if (this.#isOver) return;
    this.#isUpgraded = true;
    onMark('head');
    if (first.length > 0) guest.unshift(first);
    const headers = [...reading.headers, ...decorate(101), 'Connection', 'Upgrade', 'Upgrade', asked];
    const visitor = answer.upgrade(headers);
    const ahead = new ReadAhead(guest, limits.answerAheadBytes, budget);
    this.#answerAhead = ahead;
    const sides = { visitor: { from: body, to: visitor }, guest: { from: ahead, to: guest } };
    const grace = ended.then(() => new Promise<void>((resolve) => this.#after(limits.endedGraceMs, resolve)));
    const fault = await join({ ...sides, limits, clock, signal, ended: grace });
    this.#finish({ kind: 'upgraded', protocol: asked, fault, ...this.#counted() });
  }

  /** After the guest's end only what is in the connection still counts: silence while it is listened to is the end. */
  #awaitSilence(): void {
    if (this.#isOver || this.#isWhole || this.#isUpgraded) return;
    const before = this.#answerAhead?.received ?? 0;
    this.#after(this.#leg.limits.endedGraceMs, () => {
      const ahead = this.#answerAhead;
      if (ahead !== undefined && (ahead.paused || ahead.received > before)) this.#awaitSilence();
      else if (!this.#isWhole && !this.#isUpgraded) this.#fail('guest-ended', 'the guest ended');
    });
  }

  #onError(error: NodeJS.ErrnoException): void {
    // What comes after a whole answer, for instance a body where HEAD was asked, is not listened to.
    if (this.#isWhole || this.#isUpgraded || this.#response?.complete === true) return;
    const cause = error.code ?? error.message;
    this.#fail(cause.startsWith('HPE_') ? 'bad-answer' : 'guest-ended', cause);
  }

  #fail(fault: Fault, cause: string): void {
    if (this.#isOver || this.#isUpgraded) return;
    const { answer } = this.#leg.exchange;
    const answered = answer.state !== 'open';
    if (answer.state === 'begun' || (answered && fault === 'total-limit')) answer.cut();
    this.#finish({ kind: 'failed', fault, sent: this.#isSent, answered, cause, ...this.#counted() });
  }

  #finish(outcome: Outcome): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#endMeters();
    for (const timer of this.#timers) timer.cancel();
    if (!this.#isWhole) this.#socket?.destroy();
    this.#outcome.resolve(outcome);
  }

  /** Asked again after a wait, in which it may have changed. */
  #wasEnded(): boolean {
    return this.#isOver;
  }

  #counted(): Counted {
    return { bytesUp: this.#leg.exchange.body.received, bytesDown: this.#answerAhead?.received ?? 0 };
  }

  #endMeters(): void {
    this.#up.end();
    this.#down.end();
  }

  #meter(progress: () => number): RateMeter {
    const { clock, limits } = this.#leg;
    const { minBytesPerSecond, rateWindowMs: windowMs } = limits;
    const onSlow = () => this.#fail('visitor-too-slow', `below ${minBytesPerSecond} bytes a second`);
    return new RateMeter({ minBytesPerSecond, windowMs, clock, progress, onSlow });
  }

  #after(ms: number, callback: () => void): void {
    const timer = this.#leg.clock.after(Math.max(0, ms), () => {
      this.#timers.delete(timer);
      callback();
    });
    this.#timers.add(timer);
  }
}

import type { Asked, BoundAttempt } from '../decide.ts';
import { nextStep } from '../next.ts';
import type { Change, Step } from '../next.ts';
import type { Found, StartAnswer } from '../trace.ts';
import type { HostModel, Request } from './host-model.ts';

/** What the API server holds of the resource. */
export interface Stored {
  bound: BoundAttempt | undefined;
  outcome: Change | undefined;
  version: number;
}

/** How a step of the controller goes wrong. */
export type Fault =
  | 'none'
  /** Killed before it sends. */
  | 'killed-before'
  /** Killed when the request has been acted on, before the answer. */
  | 'killed-after'
  /** Killed while the request is on its way: it is acted on later, or never. */
  | 'killed-under-way'
  /** The connection breaks (or the API server's answer is lost); the request was acted on. */
  | 'answer-lost'
  /** The connection breaks while the request is on its way. */
  | 'lost-under-way';

/** A controller whose every effect is one call, so that it can be killed between any two. */
export class ControllerModel {
  readonly #host: HostModel;
  readonly #stored: Stored;
  #cache: Stored;
  #confirmed: number | undefined;
  #found: Found | undefined;
  #asked: Asked;

  constructor(host: HostModel, stored: Stored, boundByItself: boolean) {
    this.#host = host;
    this.#stored = stored;
    this.#cache = { ...stored };
    this.#confirmed = boundByItself ? stored.version : undefined;
    this.#asked = boundByItself ? { kind: 'not-yet' } : { kind: 'not-by-us', settled: false };
  }

  /** Killed and started again; its first list may be older than what is stored. */
  restart(cache: Stored): void {
    this.#cache = { ...cache };
    this.#confirmed = undefined;
    this.#asked = { kind: 'not-by-us', settled: false };
    this.#found = undefined;
  }

  /** The connection broke, or nothing has been heard: what was seen on it counts no more. */
  disconnected(): void {
    this.#found = undefined;
  }

  /** Long enough connected that nothing can be under way from before. */
  settled(): void {
    if (this.#asked.kind === 'not-by-us') this.#asked = { kind: 'not-by-us', settled: true };
    if (this.#asked.kind === 'in-doubt') this.#asked = { kind: 'in-doubt', state: 'settled' };
  }

  /** An event, or the next regular look. */
  notice(): void {
    this.#found = this.#host.look();
    if (this.#found.kind === 'active' || this.#found.kind === 'ended') this.#asked = { kind: 'ran' };
  }

  watch(): void {
    this.#cache = { ...this.#stored };
  }

  /** Takes one step; returns it, and whether the process died of it. */
  step(fault: Fault): { readonly step: Step; readonly killed: boolean } {
    const step = nextStep({
      attempt: {
        bound: this.#cache.bound,
        deadline: undefined,
        confirmed: this.#confirmed === this.#cache.version,
      },
      host: { answering: true, identity: this.#host.identity() },
      found: this.#found,
      asked: this.#asked,
      now: 0,
    });
    if (fault === 'killed-before') return { step, killed: true };
    const killed = this.#perform(step, fault);
    return { step, killed };
  }

  #perform(step: Step, fault: Fault): boolean {
    switch (step.kind) {
      case 'rest':
        return false;
      case 'look':
        this.notice();
        return fault.startsWith('killed');
      case 'confirm':
        this.#cache = { ...this.#stored };
        this.#confirmed = this.#stored.version;
        return fault.startsWith('killed');
      case 'start':
        return this.#start(step.defined, fault);
      case 'write':
        return this.#write(step.change, fault);
      case 'acknowledge':
        this.#found = undefined;
        return this.#send('acknowledge', fault) === 'killed';
    }
  }

  #start(defined: boolean, fault: Fault): boolean {
    const first = this.#asked.kind === 'not-yet';
    this.#asked = { kind: 'in-doubt', state: 'pending' };
    this.#found = undefined;
    const requests: readonly Request[] =
      this.#host.kind === 'xen' ? ['create'] : defined ? ['start'] : ['define', 'start'];
    let answer: StartAnswer | 'done' | 'killed' | 'lost' = 'done';
    for (const request of requests) {
      answer = this.#send(request, request === requests.at(-1) ? fault : 'none');
      if (answer === 'killed') return true;
    }
    if (typeof answer === 'string') return false;
    if (answer.kind === 'started') {
      if (fault === 'none') this.#host.unpause();
      this.notice();
    } else if (answer.kind === 'refused') this.#asked = { kind: 'refused', why: answer.why, first };
    return false;
  }

  #send(request: Request, fault: Fault): StartAnswer | 'done' | 'killed' | 'lost' {
    if (fault === 'killed-under-way' || fault === 'lost-under-way') {
      this.#host.underway.push(request);
      return fault === 'killed-under-way' ? 'killed' : 'lost';
    }
    const answer = this.#host.act(request);
    if (fault === 'killed-after') return 'killed';
    return fault === 'answer-lost' ? 'lost' : answer;
  }

  /** A status patch carries the resourceVersion that was decided on. */
  #write(change: Change, fault: Fault): boolean {
    if (this.#cache.version !== this.#stored.version) {
      this.#cache = { ...this.#stored };
      return false;
    }
    if (fault !== 'killed-under-way' && fault !== 'lost-under-way') store(this.#stored, change);
    if (fault === 'none') this.#cache = { ...this.#stored };
    return fault.startsWith('killed');
  }
}

function store(stored: Stored, change: Change): void {
  stored.version += 1;
  if (change.kind === 'running') {
    if (stored.bound !== undefined) stored.bound = { ...stored.bound, started: true };
    return;
  }
  // Nobody is heard of in this model.
  if (change.kind === 'heard') return;
  stored.bound = undefined;
  stored.outcome = change;
}

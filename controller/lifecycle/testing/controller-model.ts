import type { Asked, BoundAttempt } from '../decide.ts';
import { nextStep } from '../next.ts';
import type { Change, Step, Stopping } from '../next.ts';
import type { Found, StartAnswer } from '../trace.ts';
import type { HostModel, Request } from './host-model.ts';

/** What the API server holds of the resource. */
export interface Stored {
  bound: BoundAttempt | undefined;
  /** Where it is bound, or was last: one attempt on one host, which a controller model of its own looks after. */
  place: number;
  /** Number of the attempt that counts as the last one. */
  attempt: number;
  /** spec.suspend. */
  suspend: boolean;
  /** Wall clock: when activeDeadlineSeconds are over. */
  deadline: number | undefined;
  stopping: Stopping | undefined;
  outcome: Change | undefined;
  version: number;
}

/** Of every resource in the model, in units of its clock. */
export const GRACE = 2;

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

/** A controller of one attempt on one host, whose every effect is one call, so that it can be killed between any two. */
export class ControllerModel {
  readonly #host: HostModel;
  readonly #stored: Stored;
  #cache: Stored;
  #confirmed: number | undefined;
  #found: Found | undefined;
  #asked: Asked;
  #shutdownAsked = false;
  readonly #place: number;
  readonly #attempt: number;

  constructor(host: HostModel, stored: Stored, boundByItself: boolean) {
    this.#host = host;
    this.#place = stored.place;
    this.#attempt = stored.attempt;
    this.#stored = stored;
    this.#cache = { ...stored };
    this.#confirmed = boundByItself ? stored.version : undefined;
    this.#asked = boundByItself ? { kind: 'not-yet' } : { kind: 'not-by-us', settled: false };
  }

  /** Unbound unasked, and bound here again, by this process. */
  rebound(): void {
    this.disconnected();
    this.watch();
    this.#confirmed = this.#stored.version;
    this.#asked = { kind: 'not-yet' };
  }

  /** Killed and started again; its first list may be older than what is stored. */
  restart(cache: Stored): void {
    this.#cache = { ...cache };
    this.#confirmed = undefined;
    this.#asked = { kind: 'not-by-us', settled: false };
    this.disconnected();
  }

  /** The connection broke, or nothing has been heard: what was seen on it counts no more. */
  disconnected(): void {
    this.#found = undefined;
    this.#shutdownAsked = false;
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
  step(fault: Fault, now: number): { readonly step: Step; readonly killed: boolean } {
    if (this.#bound() === undefined && this.#isUntold()) this.watch();
    const { deadline, suspend, stopping, version } = this.#cache;
    const startDeadline = undefined;
    const policy = { deadline, startDeadline, graceMs: GRACE, suspend, stopping };
    const guest = { readyBy: undefined, untold: false };
    const step = nextStep({
      attempt: {
        ...policy,
        ...guest,
        bound: this.#bound(),
        confirmed: this.#confirmed === version,
      },
      host: { answering: true, identity: this.#host.identity() },
      found: this.#found,
      asked: this.#asked,
      shutdownAsked: this.#shutdownAsked,
      now,
    });
    if (fault === 'killed-before') return { step, killed: true };
    const killed = this.#perform(step, fault, now);
    return { step, killed };
  }

  #bound(): BoundAttempt | undefined {
    return this.#cache.place === this.#place ? this.#cache.bound : undefined;
  }

  /** A cache that is older than the attempt, or has it elsewhere, says nothing for certain: the API server is asked. */
  #isUntold(): boolean {
    const { attempt, bound } = this.#cache;
    return attempt < this.#attempt || (attempt === this.#attempt && bound !== undefined);
  }

  #perform(step: Step, fault: Fault, now: number): boolean {
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
        return this.#write(step.change, fault, now);
      case 'shutdown':
        this.#shutdownAsked = true;
        return this.#send('shutdown', fault) === 'killed';
      case 'destroy':
        this.#found = undefined;
        return this.#send('destroy', fault) === 'killed';
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
  #write(change: Change, fault: Fault, now: number): boolean {
    if (this.#cache.version !== this.#stored.version) {
      this.#cache = { ...this.#stored };
      return false;
    }
    if (fault !== 'killed-under-way' && fault !== 'lost-under-way') store(this.#stored, change, now);
    if (fault === 'none') this.#cache = { ...this.#stored };
    return fault.startsWith('killed');
  }
}

function store(stored: Stored, change: Change, now: number): void {
  stored.version += 1;
  switch (change.kind) {
    case 'running':
      if (stored.bound !== undefined) stored.bound = { ...stored.bound, started: true };
      return;
    case 'stopping':
      if (stored.bound !== undefined) stored.bound = { ...stored.bound, started: true };
      stored.stopping = { why: change.why, until: now + GRACE };
      return;
    case 'suspended':
      stored.bound = undefined;
      stored.stopping = undefined;
      stored.deadline = undefined;
      if (change.neverRan) stored.attempt -= 1;
      return;
    case 'succeeded':
    case 'failed':
    case 'rebind':
      stored.bound = undefined;
      stored.outcome = change;
      return;
    // Nobody is heard of in this model.
    case 'heard':
      return;
  }
}

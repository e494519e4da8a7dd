import type { Answer, ConnectionFacts, Exchange, Leaving } from '../exchange.ts';
import type { Head } from '../head/types.ts';
import type { ReadAhead } from '../read-ahead.ts';

/** What an intake knows of a request besides its head. */
export interface ArrivalParts {
  readonly connection: ConnectionFacts;
  /** Gives the same one each time. */
  readonly body: () => ReadAhead;
  readonly bodyIsWhole: () => boolean;
  readonly trailers: () => readonly string[];
  readonly answer: Answer;
}

/** A request that is under way. Of a crowd most are refused: what only those need that go on is made when it is asked for. */
export class Arrival implements Exchange {
  readonly head: Head;
  readonly receivedMs: number;
  readonly #parts: ArrivalParts;
  readonly #onCut: (arrival: Arrival) => void;
  #left: Leaving | undefined;
  #leaving: AbortController | undefined;
  isUpgraded = false;

  constructor(head: Head, parts: ArrivalParts, receivedMs: number, onCut: (arrival: Arrival) => void) {
    this.head = head;
    this.#parts = parts;
    this.receivedMs = receivedMs;
    this.#onCut = onCut;
  }

  get connection(): ConnectionFacts {
    return this.#parts.connection;
  }

  get body(): ReadAhead {
    return this.#parts.body();
  }

  get bodyIsWhole(): () => boolean {
    return this.#parts.bodyIsWhole;
  }

  get trailers(): () => readonly string[] {
    return this.#parts.trailers;
  }

  get answer(): Answer {
    return this.#parts.answer;
  }

  get left(): Leaving | undefined {
    return this.#left;
  }

  get signal(): AbortSignal {
    if (this.#leaving === undefined) {
      this.#leaving = new AbortController();
      if (this.#left !== undefined) this.#leaving.abort(this.#left);
    }
    return this.#leaving.signal;
  }

  /** Nobody waits any more; the first reason counts. */
  leave(why: Leaving): void {
    if (this.#left !== undefined) return;
    this.#left = why;
    this.#leaving?.abort(why);
  }

  cut(): void {
    this.leave('drain-limit');
    this.#onCut(this);
  }
}

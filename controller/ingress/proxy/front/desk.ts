import { failurePage } from '../pages.ts';
import type { Failure } from '../pages.ts';
import type { Exchange, Leaving } from '../exchange.ts';
import { acceptOf, fieldsOf } from '../head/fields.ts';
import type { HeadReading } from '../head/types.ts';
import type { FrontOptions } from './options.ts';

type Parts = Omit<Exchange, 'head' | 'signal' | 'cut' | 'receivedMs'>;

/** One that is under way. */
export interface Underway {
  readonly exchange: Exchange;
  upgraded: boolean;
}

export interface Visitor {
  /** The visitor is gone. */
  readonly leave: () => void;
  readonly upgrade: () => void;
}

/** Takes requests in, whatever they came over, and keeps the list of those under way. */
export class Desk {
  readonly #options: FrontOptions;
  readonly #underway = new Set<Underway>();
  readonly #watchers = new Set<() => void>();

  constructor(options: FrontOptions) {
    this.#options = options;
  }

  get underway(): readonly Underway[] {
    return [...this.#underway];
  }

  /** Calls back when one is over, until the returned function is called. */
  onOver(watcher: () => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** Has a request answered; `rawHeaders` are for what the visitor accepts where its head is refused. */
  take(reading: HeadReading, parts: Parts, rawHeaders: readonly string[]): Visitor {
    switch (reading.kind) {
      case 'request': {
        const leaving = new AbortController();
        const leave = (why: Leaving) => {
          if (!leaving.signal.aborted) leaving.abort(why);
        };
        const exchange: Exchange = {
          ...parts,
          head: reading.head,
          signal: leaving.signal,
          receivedMs: this.#options.clock.now(),
          cut: () => {
            leave('drain-limit');
            this.#cut(exchange);
          },
        };
        const entry: Underway = { exchange, upgraded: false };
        this.#underway.add(entry);
        void this.#serve(entry);
        return { leave: () => leave('visitor-left'), upgrade: () => (entry.upgraded = true) };
      }
      case 'refused': {
        const { status, why, allow } = reading;
        const page = failurePage(
          { status, phase: 'request', reason: 'RequestRefused', why },
          acceptOf(fieldsOf(rawHeaders)),
        );
        const headers = allow === undefined ? page.headers : [...page.headers, 'Allow', allow];
        void parts.answer.whole({ ...page, headers });
        return NOBODY;
      }
      case 'server-options':
        parts.answer.begin(204, ['Allow', reading.allow], undefined);
        void parts.answer.end();
        return NOBODY;
    }
  }

  async #serve(entry: Underway): Promise<void> {
    const { exchange } = entry;
    try {
      await this.#options.handle(exchange);
    } catch (error) {
      this.#options.logger.error('A request could not be served', { traceId: exchange.head.trace.traceId, error });
      const why = 'The ingress failed; its log says more.';
      await this.#fail(exchange, { status: 500, reason: 'InternalError', why });
    } finally {
      if (exchange.answer.state === 'open' || exchange.answer.state === 'begun') exchange.answer.cut();
      this.#underway.delete(entry);
      for (const watcher of [...this.#watchers]) watcher();
    }
  }

  #cut(exchange: Exchange): void {
    if (exchange.answer.state === 'open') {
      const why = 'The ingress is being stopped and had no more time for this request.';
      // The next replica serves it as soon as it is asked.
      void this.#fail(exchange, { status: 503, reason: 'Draining', why, retryAfterSeconds: 1 });
    } else exchange.answer.cut();
  }

  async #fail(exchange: Exchange, failure: Omit<Failure, 'phase' | 'traceId'>): Promise<void> {
    const { answer, head } = exchange;
    if (answer.state === 'begun') answer.cut();
    const { traceId } = head.trace;
    if (answer.state === 'open') {
      await answer.whole(failurePage({ ...failure, phase: 'request', traceId }, head.accept));
    }
  }
}

const NOBODY: Visitor = { leave: () => undefined, upgrade: () => undefined };

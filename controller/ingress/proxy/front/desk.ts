import { failurePage } from '../pages.ts';
import type { Failure } from '../pages.ts';
import type { Exchange } from '../exchange.ts';
import { acceptOf, fieldsOf } from '../head/fields.ts';
import type { HeadReading } from '../head/types.ts';
import { Arrival } from './arrival.ts';
import type { ArrivalParts } from './arrival.ts';
import type { FrontOptions } from './options.ts';

/** Takes requests in, whatever they came over, and keeps the list of those under way. */
export class Desk {
  readonly #options: FrontOptions;
  readonly #underway = new Set<Arrival>();
  readonly #watchers = new Set<() => void>();

  constructor(options: FrontOptions) {
    this.#options = options;
  }

  get underway(): readonly Arrival[] {
    return [...this.#underway];
  }

  /** Calls back when one is over, until the returned function is called. */
  onOver(watcher: () => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /**
   * Has a request answered; `rawHeaders` are for what the visitor accepts where its head is refused. Undefined where it is
   * answered here.
   */
  take(reading: HeadReading, parts: ArrivalParts, rawHeaders: readonly string[]): Arrival | undefined {
    this.#options.rush.came();
    switch (reading.kind) {
      case 'request': {
        const arrival = new Arrival(reading.head, parts, this.#options.clock.now(), this.#onCut);
        this.#underway.add(arrival);
        void this.#serve(arrival);
        return arrival;
      }
      case 'refused': {
        const { status, why, allow } = reading;
        const page = failurePage(
          { status, phase: 'request', reason: 'RequestRefused', why },
          acceptOf(fieldsOf(rawHeaders)),
        );
        const headers = allow === undefined ? page.headers : [...page.headers, 'Allow', allow];
        void parts.answer.whole({ ...page, headers });
        return undefined;
      }
      case 'server-options':
        parts.answer.begin(204, ['Allow', reading.allow], undefined);
        void parts.answer.end();
        return undefined;
    }
  }

  async #serve(arrival: Arrival): Promise<void> {
    const { answer, head } = arrival;
    try {
      await this.#options.handle(arrival);
    } catch (error) {
      this.#options.logger.error('A request could not be served', { traceId: head.trace.traceId, error });
      const why = 'The ingress failed; its log says more.';
      await this.#fail(arrival, { status: 500, reason: 'InternalError', why });
    } finally {
      if (answer.state === 'open' || answer.state === 'begun') answer.cut();
      this.#underway.delete(arrival);
      for (const watcher of [...this.#watchers]) watcher();
    }
  }

  readonly #onCut = (arrival: Arrival): void => {
    if (arrival.answer.state === 'open') {
      const why = 'The ingress is being stopped and had no more time for this request.';
      // The next replica serves it as soon as it is asked.
      void this.#fail(arrival, { status: 503, reason: 'Draining', why, retryAfterSeconds: 1 });
    } else arrival.answer.cut();
  };

  async #fail(exchange: Exchange, failure: Omit<Failure, 'phase' | 'traceId'>): Promise<void> {
    const { answer, head } = exchange;
    if (answer.state === 'begun') answer.cut();
    const { traceId } = head.trace;
    if (answer.state === 'open') {
      await answer.whole(failurePage({ ...failure, phase: 'request', traceId }, head.accept));
    }
  }
}

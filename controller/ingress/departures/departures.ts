import { sleep } from '#controller/kube/index.ts';
import type { Clock, KubeLogger } from '#controller/kube/index.ts';
import type { Deleted } from '#controller/lifecycle/index.ts';
import { MAX_ASKED, presenceQuestion, readPresence } from '#controller/serve/index.ts';
import { createComplaint } from '../link/index.ts';
import type { Link } from '../link/index.ts';

/** A domain whose EphemeralDomain is deleted. */
export interface Departing extends Deleted {
  readonly namespace: string;
}

export interface DeparturesParts {
  readonly link: Pick<Link, 'say'>;
  readonly clock: Clock;
  readonly logger: KubeLogger;
}

const ASK_EVERY_MS = 100;
/** A domain that is there for longer, or a controller that is away for longer, holds nobody up any more. */
const GIVE_UP_MS = 30_000;

interface Waiting extends Departing {
  readonly since: number;
  /** Monotonic ms before which nobody is asked. */
  readonly from: number;
  readonly gone: () => void;
}

/**
 * A host destroys a domain after its EphemeralDomain was deleted, and the API server tells nobody when it has. The
 * controller knows: it is asked again and again while somebody waits, once for all of a namespace.
 */
export class Departures {
  readonly #parts: DeparturesParts;
  readonly #complain: (why: string, error?: unknown) => void;
  readonly #waiting = new Map<string, Waiting>();
  readonly #stop = new AbortController();
  /** Undefined: nobody waits. */
  #asking: Promise<void> | undefined;

  constructor(parts: DeparturesParts) {
    this.#parts = parts;
    this.#complain = createComplaint(parts.clock, parts.logger, 'The controller does not tell which domains are gone');
  }

  /**
   * Resolves when no host has the domain any more, as far as anybody can tell: after `leastMs` at the earliest and some 30 s
   * at the latest. Never rejects.
   */
  departed(domain: Departing, leastMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const since = this.#parts.clock.now();
    this.#waiting.set(domain.uid, { ...domain, since, from: since + leastMs, gone: () => resolve(undefined) });
    this.#asking ??= this.#askOn();
    return promise;
  }

  /** Asks no more: who waits still does so no longer. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#asking;
  }

  async #askOn(): Promise<void> {
    while (this.#waiting.size > 0) await this.#round();
    // In the same turn: who comes after that begins anew.
    this.#asking = undefined;
  }

  async #round(): Promise<void> {
    const { clock, logger } = this.#parts;
    await sleep(clock, ASK_EVERY_MS, this.#stop.signal);
    if (this.#stop.signal.aborted) this.#end(this.#those(() => true));
    const now = clock.now();
    for (const batch of batchesOf(this.#those(({ from }) => now >= from))) await this.#ask(batch);
    const late = this.#those(({ since }) => now - since >= GIVE_UP_MS);
    for (const { namespace, name, host } of late) {
      logger.warn('A deleted domain is still there, or nobody can tell', { namespace, name, host });
    }
    this.#end(late);
  }

  async #ask(batch: readonly Waiting[]): Promise<void> {
    const path = `/presence/${batch[0]?.namespace ?? ''}`;
    const reply = await this.#parts.link.say({ path, body: presenceQuestion(batch) });
    if (reply.kind === 'unreachable') {
      // Without a controller nothing is destroyed either.
      this.#complain(reply.why, reply.error);
      return;
    }
    const present = reply.kind === 'answered' && reply.status === 200 ? readPresence(reply.body) : undefined;
    if (present !== undefined) {
      this.#end(batch.filter(({ uid }) => !present.has(uid)));
      return;
    }
    this.#complain(reply.kind === 'refused' ? reply.why : `it answered with ${reply.status}`);
    this.#end(batch);
  }

  #those(are: (one: Waiting) => boolean): readonly Waiting[] {
    return [...this.#waiting.values()].filter(are);
  }

  #end(those: readonly Waiting[]): void {
    for (const { uid, gone } of those) {
      this.#waiting.delete(uid);
      gone();
    }
  }
}

/** Each of one namespace, and no larger than the controller takes. */
const batchesOf = (waiting: readonly Waiting[]): readonly (readonly Waiting[])[] =>
  [...Map.groupBy(waiting, ({ namespace }) => namespace).values()].flatMap((all) =>
    Array.from({ length: Math.ceil(all.length / MAX_ASKED) }, (_, at) =>
      all.slice(at * MAX_ASKED, (at + 1) * MAX_ASKED),
    ),
  );

import { Counter } from 'prom-client';
import type { Registry } from 'prom-client';

import { sleep } from '#controller/kube/index.ts';
import type { Clock, Credentials, KubeLogger } from '#controller/kube/index.ts';
import { microTime } from '#controller/lifecycle/time.ts';
import type { RequestTimes } from '#controller/lifecycle/index.ts';
import { impersonates, NoController } from '#controller/reach/index.ts';
import type { ControllerAddress } from '#controller/reach/index.ts';
import { timelineMessage } from '#controller/serve/timeline-message.ts';
import { post, targetAt, wasStale } from './post.ts';
import type { Target } from './post.ts';

/** When a request's guest was ready and its answer began, for the EphemeralDomain's own timeline. */
export interface TimelineMessage extends Omit<RequestTimes, 'uid'> {
  readonly namespace: string;
  readonly name: string;
  /** undefined: a guest that was faster than the answer to its POST. Nothing can be told of that. */
  readonly uid: string | undefined;
}

/** Tells the controller, best effort: what cannot be told soon is dropped, and counted. */
export interface TimelineSender {
  /** Takes no time, and never fails. */
  tell(message: TimelineMessage): void;
  /** Drops what waits; resolves when what is on its way is answered, or its time is up. */
  close(): Promise<void>;
}

export interface TimelineSenderParts {
  /** Where the controller that acts is. Rejects where nobody can tell. */
  readonly find: () => Promise<ControllerAddress>;
  readonly credentials: () => Promise<Credentials>;
  readonly clock: Clock;
  readonly logger: KubeLogger;
  readonly registry: Registry;
  /** Runs what comes after all that is to be done at once: a visitor's own bytes. */
  readonly afterwards?: (work: () => void) => void;
}

/**
 * What became of a message: noted for the next write; too late for any; dropped, since too many waited, or there was no UID
 * to tell; not taken in, since the controller was not to be reached; refused.
 */
type Outcome = 'noted' | 'late' | 'dropped' | 'unreachable' | 'refused';

const MAX_WAITING = 512;
const AT_ONCE = 2;
const TIMEOUT_MS = 2_000;
/** The write that a message is for has been made by then. */
const MAX_AGE_MS = 2_000;
/** A controller that was not found is looked for again so much later. */
const FIND_AGAIN_MS = 1_000;
const COMPLAIN_EVERY_MS = 60_000;

interface Waiting {
  readonly message: TimelineMessage & RequestTimes;
  readonly since: number;
}

export const createTimelineSender = (parts: TimelineSenderParts): TimelineSender => {
  const { clock, logger, afterwards = setImmediate } = parts;
  const messages = new Counter({
    name: 'hatchery_ingress_timeline_messages_total',
    help: 'Times of requests told to the controller, by outcome: noted, late, dropped, unreachable, refused',
    labelNames: ['outcome'],
    registers: [parts.registry],
  });
  const waiting: Waiting[] = [];
  const underway = new Set<Promise<void>>();
  let found: Promise<Target> | undefined;
  let notBefore = -Infinity;
  let complained = -Infinity;

  /** Once a minute: each request would say the same. */
  const complain = (why: string, error?: unknown): void => {
    const now = clock.now();
    if (now - complained < COMPLAIN_EVERY_MS) return;
    complained = now;
    logger.warn('The controller is not told when requests were answered', { why, error });
  };

  const forget = async (which: Promise<Target> | undefined): Promise<void> => {
    if (found === which) found = undefined;
    const target = await which?.catch(() => undefined);
    target?.agent.destroy();
  };

  const reach = (): Promise<Target> => {
    found ??= parts.find().then(targetAt);
    return found;
  };

  const deliver = async ({ namespace, name, ...times }: Waiting['message']): Promise<Outcome> => {
    const what = { path: `/timeline/${namespace}/${name}`, body: timelineMessage(times, microTime) };
    const reaching = reach();
    try {
      const [target, credentials] = [await reaching, await parts.credentials()];
      if (impersonates(credentials)) {
        complain('this kubeconfig impersonates somebody, which the controller does not take');
        return 'refused';
      }
      const ask = (): Promise<number> => post(target, credentials, what, clock, TIMEOUT_MS);
      // Told twice it is the same: what was told first counts.
      const status = await ask().catch((error: unknown) => {
        if (wasStale(error)) return ask();
        throw error;
      });
      return await judge(status, reaching);
    } catch (error) {
      notBefore = clock.now() + FIND_AGAIN_MS;
      complain(error instanceof NoController ? error.message : 'the controller cannot be reached', error);
      await forget(reaching);
      return 'unreachable';
    }
  };

  const judge = async (status: number, reaching: Promise<Target>): Promise<Outcome> => {
    if (status === 202) return 'noted';
    if (status === 404 || status === 409) return 'late';
    complain(`it answered with ${status}`);
    if (status !== 503) return 'refused';
    // It stands by: the Lease names another by now, or soon.
    notBefore = clock.now() + FIND_AGAIN_MS;
    await forget(reaching);
    return 'unreachable';
  };

  const pump = (): void => {
    while (underway.size < AT_ONCE && waiting.length > 0) {
      const next = waiting.shift();
      if (next === undefined) return;
      const now = clock.now();
      if (now - next.since > MAX_AGE_MS) messages.inc({ outcome: 'late' });
      else if (now < notBefore) messages.inc({ outcome: 'unreachable' });
      else {
        const delivery = deliver(next.message).then((outcome) => {
          messages.inc({ outcome });
          underway.delete(delivery);
          pump();
        });
        underway.add(delivery);
      }
    }
  };

  return {
    tell: (message) => {
      const { uid } = message;
      if (uid === undefined || waiting.length >= MAX_WAITING) {
        messages.inc({ outcome: 'dropped' });
        return;
      }
      waiting.push({ message: { ...message, uid }, since: clock.now() });
      afterwards(pump);
    },
    close: async () => {
      messages.inc({ outcome: 'dropped' }, waiting.length);
      waiting.length = 0;
      const over = new AbortController();
      await Promise.race([Promise.all(underway), sleep(clock, TIMEOUT_MS, over.signal)]);
      over.abort();
      await forget(found);
    },
  };
};

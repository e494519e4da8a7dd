import { Counter } from 'prom-client';
import type { Registry } from 'prom-client';

import { sleep } from '#controller/kube/index.ts';
import type { Clock, KubeLogger } from '#controller/kube/index.ts';
import { microTime } from '#controller/lifecycle/time.ts';
import type { RequestTimes } from '#controller/lifecycle/index.ts';
import { timelineMessage } from '#controller/serve/timeline-message.ts';
import { createComplaint } from '../link/index.ts';
import type { Link } from '../link/index.ts';

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
  readonly link: Pick<Link, 'say'>;
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
/** How long the last ones may take. */
const CLOSE_MS = 2_000;
/** The write that a message is for has been made by then. */
const MAX_AGE_MS = 2_000;

interface Waiting {
  readonly message: TimelineMessage & RequestTimes;
  readonly since: number;
}

export const createTimelineSender = (parts: TimelineSenderParts): TimelineSender => {
  const { link, clock, logger, afterwards = setImmediate } = parts;
  const messages = new Counter({
    name: 'hatchery_ingress_timeline_messages_total',
    help: 'Times of requests told to the controller, by outcome: noted, late, dropped, unreachable, refused',
    labelNames: ['outcome'],
    registers: [parts.registry],
  });
  const waiting: Waiting[] = [];
  const underway = new Set<Promise<void>>();

  const complain = createComplaint(clock, logger, 'The controller is not told when requests were answered');

  const deliver = async ({ namespace, name, ...times }: Waiting['message']): Promise<Outcome> => {
    // Told twice it is the same: what was told first counts.
    const reply = await link.say({
      path: `/timeline/${namespace}/${name}`,
      body: timelineMessage(times, microTime),
    });
    if (reply.kind !== 'answered') {
      complain(reply.why, reply.kind === 'unreachable' ? reply.error : undefined);
      return reply.kind;
    }
    if (reply.status === 202) return 'noted';
    if (reply.status === 404 || reply.status === 409) return 'late';
    complain(`it answered with ${reply.status}`);
    return 'refused';
  };

  const pump = (): void => {
    while (underway.size < AT_ONCE && waiting.length > 0) {
      const next = waiting.shift();
      if (next === undefined) return;
      const now = clock.now();
      if (now - next.since > MAX_AGE_MS) messages.inc({ outcome: 'late' });
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
      await Promise.race([Promise.all(underway), sleep(clock, CLOSE_MS, over.signal)]);
      over.abort();
    },
  };
};

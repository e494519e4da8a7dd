import { INGRESSES } from '#controller/kube/index.ts';
import type { EventRecorder, Ingress } from '#controller/kube/index.ts';
import type { Problem } from './route.ts';

/**
 * Tells of problems by events on their objects: of each once, again where what it says has changed, and again where it had
 * gone and came back. Remembers as many as there are.
 */
export class ProblemTeller {
  readonly #events: Pick<EventRecorder, 'event'>;
  #told: ReadonlyMap<string, string> = new Map<string, string>();

  constructor(events: Pick<EventRecorder, 'event'>) {
    this.#events = events;
  }

  /** All problems that there are now; `find`: the Ingress of a key namespace/name. */
  tell(problems: readonly Problem[], find: (key: string) => Ingress | undefined): void {
    const now = new Map(problems.map((problem) => [keyOfProblem(problem), problem]));
    for (const [key, { source, reason, message }] of now) {
      const ingress = find(`${source.namespace}/${source.name}`);
      if (ingress === undefined || this.#told.get(key) === message) continue;
      this.#events.event(INGRESSES, ingress, 'Warning', reason, message);
    }
    this.#told = new Map([...now].map(([key, { message }]) => [key, message]));
  }
}

const keyOfProblem = ({ source, where, reason }: Problem): string => [source.uid, where, reason].join(' ');

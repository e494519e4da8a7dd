import { interruptible } from '../../bed/interrupt.ts';
import { run } from '../../bed/run.ts';
import type { Kubectl } from '../../cluster/kubectl.ts';
import type { DomainView } from './view.ts';

/** Follows the EphemeralDomains of a namespace by `kubectl get --watch`, until `stop` is called. */
export interface Following {
  /** Resolves when the watch has ended. */
  stop(): Promise<void>;
}

/** One event a line: jsonpath's way to write JSON, which the --watch of -o json would spread over many. */
const ONE_LINE = ['--output-watch-events', '-o=jsonpath={.type} {.object}{"\\n"}'];
const DELETED = 'DELETED ';

/** Starts following; `onChange` gets each state that kubectl shows, in order, and the last one again with its deletion. */
export function followDomains(
  kubectl: Kubectl,
  timeoutMs: number,
  onChange: (domain: DomainView, isDeleted: boolean) => void,
): Following {
  const stopper = new AbortController();
  const argv = kubectl.argv(['get', 'ephemeraldomains', '--watch', ...ONE_LINE]);
  const watching = interruptible(stopper.signal, () =>
    run(argv, {
      timeoutMs,
      onLine: (line) => {
        const at = line.indexOf('{');
        if (at > 0) onChange(JSON.parse(line.slice(at)) as DomainView, line.startsWith(DELETED));
      },
    }),
  ).then(
    () => undefined,
    (error: unknown) => {
      if (!stopper.signal.aborted) throw error;
    },
  );
  // A watch that fails is told to whoever stops it; until then that is no unhandled rejection.
  watching.catch(() => undefined);
  return {
    stop: () => {
      stopper.abort(new Error('no longer followed'));
      return watching;
    },
  };
}

import { interruptible } from '../../bed/interrupt.ts';
import { run } from '../../bed/run.ts';
import type { Kubectl } from '../../cluster/kubectl.ts';
import type { DomainView } from './view.ts';

/** Follows the EphemeralDomains of a namespace by `kubectl get --watch`, until `stop` is called. */
export interface Following {
  /** Resolves when the watch has ended. */
  stop(): Promise<void>;
}

/** One object a line: jsonpath's way to write JSON, which the --watch of -o json would spread over many. */
const ONE_LINE = '-o=jsonpath={@}{"\\n"}';

/** Starts following; `onChange` gets each state that kubectl shows, in order. */
export function followDomains(kubectl: Kubectl, timeoutMs: number, onChange: (domain: DomainView) => void): Following {
  const stopper = new AbortController();
  const argv = kubectl.argv(['get', 'ephemeraldomains', '--watch', ONE_LINE]);
  const watching = interruptible(stopper.signal, () =>
    run(argv, {
      timeoutMs,
      onLine: (line) => {
        if (line.startsWith('{')) onChange(JSON.parse(line) as DomainView);
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

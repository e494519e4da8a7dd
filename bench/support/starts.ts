import { connect } from '#controller/libvirt/index.ts';
import type { Hypervisor } from '#controller/libvirt/index.ts';
import type { TestHost } from '#hack/hosts/host.ts';

/** One domain as libvirt's events told of it; times of performance.now(). */
export interface Run {
  readonly uuid: string;
  readonly startedAt: number;
  endedAt: number | undefined;
}

/** What a client of the bench's own hears of a host. */
export interface Starts {
  readonly observer: Hypervisor;
  /** By the domain's UUID; a domain that is started twice counts in `again`. */
  readonly runs: ReadonlyMap<string, Run>;
  readonly again: () => number;
  /** Most domains at a time since the last call. */
  takePeak(): number;
  close(): Promise<void>;
}

const ENDS = new Set(['stopped', 'crashed', 'undefined']);

/** Listens to a host's lifecycle events from now on. */
export async function countStarts(host: TestHost): Promise<Starts> {
  const observer = connect({ uri: host.uri });
  const runs = new Map<string, Run>();
  let again = 0;
  let running = 0;
  let peak = 0;
  observer.observe({
    onLifecycle: ({ domain: { uuid }, event }) => {
      const run = runs.get(uuid);
      if (event === 'started') {
        if (run !== undefined) again += 1;
        runs.set(uuid, { uuid, startedAt: performance.now(), endedAt: undefined });
        running += 1;
        peak = Math.max(peak, running);
      } else if (ENDS.has(event) && run !== undefined && run.endedAt === undefined) {
        run.endedAt = performance.now();
        running -= 1;
      }
    },
  });
  await observer.connected(10_000);
  return {
    ...{ observer, runs },
    again: () => again,
    takePeak: () => {
      const most = peak;
      peak = running;
      return most;
    },
    close: () => observer.close(),
  };
}

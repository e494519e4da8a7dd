import { sleep } from '#controller/kube/index.ts';
import type { Clock, KubeLogger } from '#controller/kube/index.ts';
import type { probe as look } from '#controller/notify/index.ts';
import { ByUrgency, Gate } from './gate.ts';
import type { HostState } from './host-state.ts';
import { probeOf } from './readiness.ts';
import type { Standing } from './knowledge.ts';
import type { WallClock } from './time.ts';
import type { Tracked } from './tracked.ts';

export interface ProberParts {
  readonly state: HostState;
  readonly clock: Clock;
  readonly wall: WallClock;
  readonly probe: typeof look;
  readonly logger: KubeLogger;
  /** A domain was found ready. */
  readonly changed: (uuid: string) => void;
}

/** Guests of one host that are looked at in the same moment. */
const AT_ONCE = 32;
/** For one connection: a guest that does not listen yet says so at once, one that is not up yet never answers this one. */
const CONNECT_MS = { min: 100, max: 1_000 } as const;

/** Looks at the guests of one host, each again and again from its start until it is ready or over. */
export class Prober {
  readonly #parts: ProberParts;
  readonly #gate = new Gate(AT_ONCE, new ByUrgency());
  readonly #followed = new Set<string>();
  readonly #stop = new AbortController();

  constructor(parts: ProberParts) {
    this.#parts = parts;
  }

  /** Begins to look at a domain that runs, where its readiness hangs on that and is not known; else nothing happens. */
  follow(tracked: Tracked, standing: Standing): void {
    if (standing.kind !== 'bound' || standing.binding.ready || this.#followed.has(tracked.uuid)) return;
    const wanted = probeOf(standing.resource, standing.binding.address);
    if (wanted === undefined || !this.#isOpen(tracked)) return;
    this.#followed.add(tracked.uuid);
    void this.#look(tracked, wanted)
      .catch((error: unknown) => {
        this.#parts.logger.error('A guest cannot be looked at', { uuid: tracked.uuid, probe: wanted.probe, error });
      })
      .finally(() => this.#followed.delete(tracked.uuid));
  }

  /** Looks at nothing any more. */
  stop(): void {
    this.#stop.abort();
  }

  async #look(tracked: Tracked, { probe, periodMs }: NonNullable<ReturnType<typeof probeOf>>): Promise<void> {
    const { clock, wall, changed } = this.#parts;
    const connectMs = Math.min(Math.max(periodMs, CONNECT_MS.min), CONNECT_MS.max);
    while (this.#isOpen(tracked)) {
      const begun = clock.now();
      const leave = await this.#gate.enter(0);
      try {
        const isReady = this.#isOpen(tracked) && (await this.#parts.probe(probe, connectMs, this.#stop.signal));
        if (isReady && this.#isOpen(tracked)) {
          tracked.readyAt = wall();
          changed(tracked.uuid);
          return;
        }
      } finally {
        leave();
      }
      await sleep(clock, Math.max(periodMs - (clock.now() - begun), 0), this.#stop.signal);
    }
  }

  /** Whether there is still something to find out. */
  #isOpen(tracked: Tracked): boolean {
    if (this.#stop.signal.aborted || tracked.readyAt !== undefined) return false;
    return this.#parts.state.domains.get(tracked.uuid) === tracked && tracked.found?.kind === 'active';
  }
}

import { macOf } from '#controller/domain/identity.ts';
import { sleep } from '#controller/kube/index.ts';
import type { Clock } from '#controller/kube/index.ts';
import type { Contact } from './contact.ts';
import { currentContact } from './host-state.ts';
import type { HostState } from './host-state.ts';
import { see } from './tracked.ts';
import type { Tracked } from './tracked.ts';
import type { WallClock } from './time.ts';

export interface PatrolParts {
  readonly state: HostState;
  readonly clock: Clock;
  readonly wall: WallClock;
  readonly changed: (uuid: string) => void;
  /** Lists the host again. */
  readonly resync: (contact: Contact) => Promise<void>;
  readonly failed: (error: unknown) => void;
}

const ROUND_MS = 2_000;
/** A domain of which nothing was heard for so long is asked after. Two rounds must agree: at most 8 s in all. */
const QUIET_MS = 4_000;
const MISSED_ROUNDS = 2;
/** Events are not lost while a connection stands; this is for what nobody has thought of. */
const RESYNC_MS = 30_000;
const PROBES_AT_ONCE = 2;

/** Looks regularly for what no event tells, until the signal aborts. */
export async function patrol(parts: PatrolParts, signal: AbortSignal): Promise<void> {
  const { clock, state } = parts;
  let resynced = clock.now();
  for (;;) {
    await sleep(clock, ROUND_MS, signal);
    if (signal.aborted) return;
    const contact = currentContact(state);
    if (contact === undefined) continue;
    try {
      await probeQuiet(parts, contact);
      if (clock.now() - resynced < RESYNC_MS) continue;
      resynced = clock.now();
      await parts.resync(contact);
    } catch (error) {
      parts.failed(error);
    }
  }
}

async function probeQuiet({ state, clock, wall, changed }: PatrolParts, contact: Contact): Promise<void> {
  const now = clock.now();
  const quiet = [...state.domains.values()].filter(
    ({ owner, found, quietSince }) => owner !== undefined && found?.kind === 'active' && now - quietSince >= QUIET_MS,
  );
  for (let at = 0; at < quiet.length; at += PROBES_AT_ONCE) {
    await Promise.all(quiet.slice(at, at + PROBES_AT_ONCE).map((tracked) => probe(tracked)));
  }

  async function probe(tracked: Tracked): Promise<void> {
    const address = tracked.owner?.address;
    const { heard } = tracked;
    const gone = await contact.trace.hasVanished(tracked.uuid, address === undefined ? undefined : macOf(address));
    if (tracked.heard !== heard || tracked.found?.kind !== 'active') return;
    if (!gone) {
      tracked.missed = 0;
      tracked.quietSince = clock.now();
      return;
    }
    tracked.missed += 1;
    if (tracked.missed < MISSED_ROUNDS) return;
    see(tracked, { kind: 'ended', end: 'vanished' }, wall());
    changed(tracked.uuid);
  }
}

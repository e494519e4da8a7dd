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

/** How often those are looked for that are to be probed. */
const LOOK_MS = 250;
/** The first probe comes sooner: many live for a moment only, and a busy host tells late that they have started. */
const FIRST_MS = 1_500;
/** A domain of which nothing was heard for so long is asked after: longer where there are many, within these two. */
const QUIET_MS = { least: 4_500, most: 7_000 } as const;
/** Each probe costs a host with 1,000 domains about a millisecond of CPU: it reads the counters of all links. */
const PROBES_A_SECOND = 150;
/**
 * A probe that says that a domain is gone counts once another one agrees, so long after it. With all answers at once an
 * end is noticed within 6 s, with many domains 8.5 s, which leaves a busy host some of the 10 s that are promised.
 */
const CONFIRM_MS = 1_000;
/** Events are not lost while a connection stands; this is for what nobody has thought of. */
const RESYNC_MS = 30_000;
const PROBES_AT_ONCE = 2;
/** After so long it is looked again who is due: a suspect does not wait until all others were probed. */
const ROUND_MS = 1_000;

/** Looks regularly for what no event tells, until the signal aborts. */
export async function patrol(parts: PatrolParts, signal: AbortSignal): Promise<void> {
  // Apart: a list of many domains on a busy host takes longer than an end may stay unnoticed.
  await Promise.all([
    regularly(parts, LOOK_MS, (contact) => probeQuiet(parts, contact), signal),
    regularly(parts, RESYNC_MS, (contact) => parts.resync(contact), signal),
  ]);
}

async function regularly(
  { clock, state, failed }: PatrolParts,
  everyMs: number,
  look: (contact: Contact) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    await sleep(clock, everyMs, signal);
    if (signal.aborted) return;
    const contact = currentContact(state);
    if (contact === undefined) continue;
    try {
      await look(contact);
    } catch (error) {
      failed(error);
    }
  }
}

function isSuspect({ missedAt }: Tracked): boolean {
  return missedAt !== undefined;
}

/** When a domain is to be probed, monotonic ms; undefined: nothing could be noticed of it. */
function dueAt({ owner, found, quietSince, probed, missedAt }: Tracked, quietMs: number): number | undefined {
  if (owner === undefined || found?.kind !== 'active') return undefined;
  if (missedAt !== undefined) return missedAt + CONFIRM_MS;
  return quietSince + (probed ? quietMs : FIRST_MS);
}

/** Probes who is due: suspects first, then those that are due longest. */
async function probeQuiet({ state, clock, wall, changed }: PatrolParts, contact: Contact): Promise<void> {
  const now = clock.now();
  const quietMs = Math.min(Math.max((state.domains.size / PROBES_A_SECOND) * 1_000, QUIET_MS.least), QUIET_MS.most);
  const due = [...state.domains.values()]
    .map((tracked) => ({ tracked, at: dueAt(tracked, quietMs) ?? Infinity }))
    .filter(({ at }) => at <= now)
    .sort((a, b) => Number(isSuspect(b.tracked)) - Number(isSuspect(a.tracked)) || a.at - b.at);
  const next = due.values();
  const probeNext = async (): Promise<void> => {
    for (const { tracked } of next) {
      await probe(tracked);
      if (clock.now() - now >= ROUND_MS) return;
    }
  };
  await Promise.all(Array.from({ length: PROBES_AT_ONCE }, probeNext));

  async function probe(tracked: Tracked): Promise<void> {
    const address = tracked.owner?.address;
    const { heard } = tracked;
    const gone = await contact.trace.hasVanished(tracked.uuid, address === undefined ? undefined : macOf(address));
    if (tracked.heard !== heard || tracked.found?.kind !== 'active') return;
    if (!gone) {
      tracked.probed = true;
      tracked.missedAt = undefined;
      tracked.quietSince = clock.now();
    } else if (tracked.missedAt === undefined) {
      tracked.missedAt = clock.now();
    } else {
      see(tracked, { kind: 'ended', end: 'vanished' }, wall());
      changed(tracked.uuid);
    }
  }
}

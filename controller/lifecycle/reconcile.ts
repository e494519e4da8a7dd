import type { EphemeralDomain } from '#controller/api/index.ts';
import type { HostConsoles } from '#controller/console/index.ts';
import type { KubeLogger, ReconcileResult } from '#controller/kube/index.ts';
import { LibvirtError } from '#controller/libvirt/index.ts';
import type { Binding } from './attempt.ts';
import { attendConsole, withConsoleTail } from './console-tail.ts';
import { currentContact } from './host-state.ts';
import type { HostState } from './host-state.ts';
import { knowledgeOf, standingOf } from './knowledge.ts';
import type { Standing } from './knowledge.ts';
import { hasNeverRun, nextStep } from './next.ts';
import type { Change, Step } from './next.ts';
import type { OrphanGuard } from './orphans.ts';
import type { Prober } from './prober.ts';
import { changePatch } from './render.ts';
import type { Reporter } from './reporter.ts';
import type { ScratchDisks } from './scratch.ts';
import { startRankOf } from './start-line.ts';
import type { Starter } from './starter.ts';
import { askToShutDown, destroyAfterGrace } from './stopper.ts';
import type { WallClock } from './time.ts';
import { noteNeverRan, see } from './tracked.ts';
import type { Tracked } from './tracked.ts';
import { Priority } from './writer.ts';
import type { DomainStore, StatusWriter } from './writer.ts';

export interface ReconcilerParts {
  readonly state: HostState;
  readonly store: DomainStore;
  readonly writer: StatusWriter;
  readonly starter: Starter;
  readonly scratch: ScratchDisks;
  readonly consoles: HostConsoles;
  readonly orphans: OrphanGuard;
  readonly reporter: Reporter;
  readonly prober: Pick<Prober, 'follow'>;
  readonly logger: KubeLogger;
  readonly hostLostAfterMs: number;
  /** See SETTLE_MS. */
  readonly settleMs: number;
  readonly now: () => number;
  readonly wall: WallClock;
  /** Something of the host's accounts changed. */
  readonly accountsChanged: () => void;
  /** Whether the API server knows the kind EphemeralDomain. */
  readonly kindServed: (served: boolean) => void;
}

const DONE: ReconcileResult = { kind: 'done' };
/** Steps in one go; more would mean that two states chase each other. */
const MOST_STEPS = 24;

/** Brings one domain and its resource to rest, one step after the other, each decided on all that is known by then. */
export async function reconcile(parts: ReconcilerParts, uuid: string): Promise<ReconcileResult> {
  const places: (() => void)[] = [];
  try {
    let held: Step['kind'] | undefined;
    for (let steps = 0; steps < MOST_STEPS; steps += 1) {
      const tracked = parts.state.domains.get(uuid);
      if (tracked?.owner === undefined) return DONE;
      const standing = await standingOf(parts, tracked, tracked.owner);
      if (standing.kind === 'untold') return { kind: 'again-after', ms: standing.retryAfterMs };
      parts.prober.follow(tracked, standing);
      const step = nextStep(knowledgeOf(parts, tracked, standing));
      const ms = standing.kind === 'bound' ? attendConsole(parts.consoles, tracked, standing.resource, step) : 0;
      if (ms > 0) return { kind: 'again-after', ms };
      // A place is waited for first; what is done there is decided once it is had: things change meanwhile.
      if (standing.kind === 'bound' && (step.kind === 'write' || step.kind === 'start') && held !== step.kind) {
        while (places.length > 0) places.pop()?.();
        places.push(await enter(parts, standing.resource, step));
        held = step.kind;
        continue;
      }
      const result = await take(parts, tracked, standing, step);
      if (result !== undefined) return result;
      while (places.length > 0) places.pop()?.();
      held = undefined;
    }
    parts.logger.warn('A domain does not come to rest', { uuid, host: parts.state.name });
    return { kind: 'retry' };
  } finally {
    for (const leave of places) leave();
  }
}

function enter(
  { writer, starter }: ReconcilerParts,
  resource: EphemeralDomain,
  step: Extract<Step, { kind: 'write' | 'start' }>,
): Promise<() => void> {
  if (step.kind === 'start') return starter.gate.enter(startRankOf(resource));
  return writer.gate.enter(isOfItsRun(step.change) ? Priority.running : Priority.end);
}

function isOfItsRun({ kind }: Change): boolean {
  return kind === 'running' || kind === 'heard';
}

/** Takes a step; undefined: look again at once what is next. */
async function take(
  parts: ReconcilerParts,
  tracked: Tracked,
  standing: Standing,
  step: Step,
): Promise<ReconcileResult | undefined> {
  switch (step.kind) {
    case 'rest':
      settleAccounts(parts, tracked, standing);
      if (!parts.state.domains.has(tracked.uuid)) await parts.scratch.release(tracked.uuid);
      return step.recheckAfterMs === undefined || step.recheckAfterMs === Infinity
        ? DONE
        : { kind: 'again-after', ms: Math.max(step.recheckAfterMs, 10) };
    case 'look':
      return look(parts, tracked, step.afterMs);
    case 'confirm':
      return confirm(parts, tracked);
    case 'start':
      if (standing.kind !== 'bound') return undefined;
      return start(parts, tracked, standing, step.defined);
    case 'write':
      if (standing.kind !== 'bound') return undefined;
      return write(parts, tracked, standing, step.change);
    case 'shutdown':
    case 'destroy':
      return stop(parts, tracked, step);
    case 'acknowledge':
      return acknowledge(parts, tracked, standing);
  }
}

/** A request to shut down that could not be sent is made again so much later. */
const ASK_AGAIN_MS = 500;

async function stop(
  parts: ReconcilerParts,
  tracked: Tracked,
  step: Extract<Step, { kind: 'shutdown' | 'destroy' }>,
): Promise<ReconcileResult | undefined> {
  const contact = currentContact(parts.state);
  if (contact === undefined) return DONE;
  if (step.kind === 'destroy') await destroyAfterGrace(parts, contact, tracked);
  else if (!(await askToShutDown(parts, contact, tracked, step.withinMs))) {
    return { kind: 'again-after', ms: Math.min(ASK_AGAIN_MS, step.withinMs) };
  }
  return undefined;
}

async function look(parts: ReconcilerParts, tracked: Tracked, afterMs: number): Promise<ReconcileResult | undefined> {
  if (afterMs > 0) {
    tracked.found = undefined;
    return { kind: 'again-after', ms: afterMs };
  }
  const contact = currentContact(parts.state);
  if (contact === undefined) return DONE;
  const heard = tracked.heard;
  const found = await contact.trace.observe(tracked.uuid);
  // Something was told while we looked: which of the two is newer cannot be said.
  if (tracked.heard === heard) see(tracked, found, parts.wall());
  return undefined;
}

async function confirm(parts: ReconcilerParts, tracked: Tracked): Promise<ReconcileResult | undefined> {
  if (tracked.owner === undefined) return DONE;
  const live = await parts.writer.readLive(tracked.owner.key);
  // Deleted: the watch will say so.
  if (live === undefined) return { kind: 'again-after', ms: 200 };
  tracked.confirmed = live.metadata.resourceVersion;
  return undefined;
}

async function start(
  parts: ReconcilerParts,
  tracked: Tracked,
  standing: Extract<Standing, { kind: 'bound' }>,
  defined: boolean,
): Promise<ReconcileResult | undefined> {
  const contact = currentContact(parts.state);
  if (contact === undefined) return DONE;
  const fault = await parts.starter.start(contact, tracked, standing.resource, standing.binding, defined);
  if (fault === 'not-sent') return { kind: 'retry' };
  return fault === undefined ? undefined : write(parts, tracked, standing, fault);
}

async function write(
  parts: ReconcilerParts,
  tracked: Tracked,
  { resource, binding }: Extract<Standing, { kind: 'bound' }>,
  change: Change,
): Promise<undefined> {
  const { requestedAt: requested, startedAt: started, readyAt: ready, respondedAt: responded } = tracked;
  const exit = binding.exit ?? tracked.exit;
  const times = { requested, started, ready, responded, stopped: tracked.stoppedAt };
  const rendered = changePatch(resource, change, times, parts.wall(), exit);
  const patch = withConsoleTail(rendered, change, parts.consoles, tracked, resource);
  const written = await parts.writer.write(resource, patch, () => {
    if (hasNeverRun(change)) noteNeverRan(tracked);
  });
  if (written.kind === 'again') return undefined;
  tracked.confirmed = written.resource.metadata.resourceVersion;
  parts.reporter.changed(written.resource, binding);
  if (change.kind === 'rebind')
    rest(parts, binding, `its name is held by the domain ${change.heldBy}, which is not ours`);
  if (change.kind === 'failed' && change.reason === 'HostStateUnknown')
    rest(parts, binding, afterLostCreate(binding.name));
  return undefined;
}

/** The address goes out of use: a domain of its name may be on the host without libvirt knowing it. */
function rest({ state, accountsChanged }: ReconcilerParts, { address }: Binding, why: string): void {
  if (address === undefined) return;
  state.ledger.quarantine(address, { why });
  accountsChanged();
}

/** What a person is to do about a domain that only Xen knows. */
export function afterLostCreate(name: string): string {
  return (
    `Xen may hold a paused domain ${name} that libvirt does not know. In dom0 run "xl list"; if it is there, ` +
    `"xl destroy ${name}". Then delete its EphemeralDomain and restart the controller: the address is used again`
  );
}

async function acknowledge(
  parts: ReconcilerParts,
  tracked: Tracked,
  standing: Standing,
): Promise<ReconcileResult | undefined> {
  const contact = currentContact(parts.state);
  const { found } = tracked;
  if (contact === undefined || found === undefined) return DONE;
  if (standing.kind === 'orphan' && !tracked.deletionSeen) {
    const waitMs = parts.orphans.turn(tracked.uuid);
    if (waitMs > 0) return { kind: 'again-after', ms: waitMs };
    const { owner } = tracked;
    parts.logger.warn('An orphan is destroyed', { ...owner, uuid: tracked.uuid, host: parts.state.name });
  }
  await parts.consoles.leave(tracked.uuid);
  try {
    await contact.trace.acknowledge(tracked.uuid, found);
  } catch (error) {
    // What the daemon refused may be under way already, or need another look; the queue's back-off paces it.
    if (error instanceof LibvirtError && found.kind !== 'ended') tracked.found = undefined;
    throw error;
  }
  tracked.found = { kind: 'absent' };
  return undefined;
}

/** What the host no longer lists and no attempt is bound to takes nothing any more. */
function settleAccounts(parts: ReconcilerParts, tracked: Tracked, standing: Standing): void {
  const { state, orphans, consoles, accountsChanged } = parts;
  const { uuid, found } = tracked;
  if (standing.kind === 'bound') {
    if (found?.kind === 'active') state.ledger.setState(uuid, 'running');
  } else if (state.assumed.has(uuid)) {
    return;
  } else if (found?.kind === 'absent') {
    state.domains.delete(uuid);
    state.ledger.drop(uuid);
    orphans.gone(uuid);
    consoles.forget(uuid, true);
  } else {
    state.ledger.setState(uuid, 'over');
  }
  accountsChanged();
}

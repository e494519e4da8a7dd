import { sleep } from '#controller/kube/index.ts';
import { traceparentOf } from '#controller/observe/tracing.ts';
import { LEG_LIMITS, Passage } from '../proxy/index.ts';
import type { GuestAddress, LegLimits, Outcome } from '../proxy/index.ts';
import type { Backend } from '../routes/index.ts';
import { secondTry } from '../spawn/index.ts';
import type { Reachable, SpawnBackend, Spawned } from '../spawn/index.ts';
import { faultTold, spawnFailureTold } from './failures.ts';
import type { Told } from './failures.ts';
import { ownHeaders } from './handler.ts';
import type { HandlerParts } from './handler.ts';
import { domainGone } from './slot.ts';
import type { Visit } from './visit.ts';

/** A domain that no host could start is tried once more, on another host where there is one. */
const MOST_TRIES = 2;

type Tried =
  | { readonly kind: 'over' }
  | { readonly kind: 'failed'; readonly told: Told | undefined }
  /** Nothing was sent to a guest, and another domain may do better. */
  | { readonly kind: 'again'; readonly told: Told | undefined; readonly avoid: string | undefined };

/**
 * Has a request served by a domain of its own. Resolves when the visitor has its answer, or none is to be had any more;
 * with what it is to be told then.
 */
export const hatch = async (parts: HandlerParts, visit: Visit, backend: Backend): Promise<Told | undefined> => {
  const avoidHosts: string[] = [];
  for (;;) {
    visit.tries += 1;
    const tried = await tryOnce(parts, visit, backend, avoidHosts);
    if (tried.kind === 'over') return undefined;
    if (tried.kind === 'failed' || visit.tries >= MOST_TRIES || visit.exchange.left !== undefined) return tried.told;
    if (tried.avoid !== undefined) avoidHosts.push(tried.avoid);
    // One slot is one domain: the first is gone before the second is made.
    if (visit.spawned !== undefined) await domainGone(visit.spawned, parts.departures);
  }
};

const tryOnce = async (
  parts: HandlerParts,
  visit: Visit,
  backend: Backend,
  avoidHosts: readonly string[],
): Promise<Tried> => {
  const { exchange } = visit;
  const { head } = exchange;
  // Of its own: once it has its whole answer a visitor may go, and its domain ends by itself.
  const left = new AbortController();
  const leave = (): void => left.abort(exchange.signal.reason);
  exchange.signal.addEventListener('abort', leave, { once: true });
  if (exchange.signal.aborted) leave();
  try {
    const spawned = parts.spawner.start({
      backend: spawnBackend(backend),
      ...{ method: head.method, host: head.host, path: head.path, traceId: head.trace.traceId },
      traceparent: traceparentOf(head.trace),
      receivedTime: parts.clock.date().getTime() - (parts.clock.now() - exchange.receivedMs),
      ...{ avoidHosts: [...avoidHosts], signal: left.signal },
    });
    visit.spawned = spawned;
    // In a turn of its own, when the create is on its way.
    const prepared = inNextTurn(() => preparePassage(parts, visit, backend, spawned));
    const reaching = await spawned.reachable;
    if (reaching.kind === 'failed') {
      const { failure } = reaching;
      const told = spawnFailureTold(failure);
      parts.afterwards(spawned.delete());
      const again = secondTry(failure);
      return again === undefined ? { kind: 'failed', told } : { kind: 'again', told, avoid: again.avoid };
    }
    return await passTo(parts, visit, backend, spawned, reaching.guest, await prepared);
  } finally {
    exchange.signal.removeEventListener('abort', leave);
  }
};

/** Whose caller goes away has no use for it, nor for its failure. */
const inNextTurn = <T>(make: () => T): Promise<T> => {
  const made = new Promise(setImmediate).then(make);
  made.catch(() => undefined);
  return made;
};

const preparePassage = (parts: HandlerParts, visit: Visit, backend: Backend, spawned: Spawned): Passage => {
  const { clock, answerBudget: budget } = parts;
  return new Passage({
    ...{ exchange: visit.exchange, clock, budget, ended: spawned.ended },
    limits: limitsOf(backend, clock.now() - (visit.admittedAt ?? clock.now())),
    decorate: (status) => {
      visit.status = status;
      return ownHeaders(visit, clock.now());
    },
    onMark: (mark) => {
      visit.marks.set(mark, clock.now());
      if (mark === 'head') tellTimes(parts, spawned, clock.now());
    },
  });
};

const passTo = async (
  parts: HandlerParts,
  visit: Visit,
  backend: Backend,
  spawned: Spawned,
  guest: Reachable,
  passage: Passage,
): Promise<Tried> => {
  const outcome = await passage.to(addressOf(guest));
  const broken = outcome.kind === 'failed' && outcome.answered ? faultTold(outcome.fault) : undefined;
  // It has no other answer any more: for the record alone.
  if (broken !== undefined) visit.failure = { phase: 'answer', reason: broken.reason };
  return judge(parts, backend, spawned, guest, outcome);
};

/** When its answer begins, and not later: the end of a guest, and with it the last write of its status, may follow at once. */
const tellTimes = ({ clock, timeline }: HandlerParts, spawned: Spawned, now: number): void => {
  const { namespace, name, uid, marks } = spawned;
  const offset = clock.date().getTime() - clock.now();
  const ready = marks.ready === undefined ? undefined : marks.ready + offset;
  timeline.tell({ namespace, name, uid, ready, responded: now + offset });
};

const judge = (parts: HandlerParts, backend: Backend, spawned: Spawned, guest: Reachable, outcome: Outcome): Tried => {
  if (outcome.kind !== 'failed') {
    parts.afterwards(seeOff(parts, spawned, backend.http.lingerSeconds));
    return { kind: 'over' };
  }
  parts.afterwards(spawned.delete());
  const { namespace, name } = spawned;
  const { fault, cause, sent, answered } = outcome;
  parts.logger.debug('A guest gave no whole answer', { namespace, name, host: guest.host, fault, cause });
  if (answered) return { kind: 'over' };
  const told = faultTold(fault);
  const mayTryAgain = fault === 'not-connected' && !sent;
  return mayTryAgain ? { kind: 'again', told, avoid: guest.host } : { kind: 'failed', told };
};

/** A guest that has answered ends by itself; one that stays is deleted. */
const seeOff = async ({ clock }: HandlerParts, spawned: Spawned, lingerSeconds: number): Promise<void> => {
  const over = new AbortController();
  const late = sleep(clock, lingerSeconds * 1_000, over.signal).then(() => 'late' as const);
  const ended = await Promise.race([spawned.ended, late]);
  over.abort();
  if (ended === 'late') await spawned.delete();
};

const addressOf = ({ address, port, socket }: Reachable): GuestAddress =>
  socket === undefined ? { kind: 'address', address, port } : { kind: 'connected', socket };

const limitsOf = ({ http }: Backend, spentMs: number): LegLimits => ({
  ...LEG_LIMITS,
  totalMs: Math.max(http.requestTimeoutSeconds * 1_000 - spentMs, 1),
  minBytesPerSecond: http.minBytesPerSecond,
  idleMs: http.idleSeconds * 1_000,
});

const spawnBackend = ({ namespace, resource, ingress, http }: Backend): SpawnBackend => ({
  ...{ namespace, template: resource, ingress, port: http.port, connections: http.connections },
  spawnTimeoutMs: http.spawnTimeoutSeconds * 1_000,
  requestTimeoutMs: http.requestTimeoutSeconds * 1_000,
  ...{ keepFinishedSeconds: http.keepFinishedSeconds, historyLimit: http.historyLimit },
});

import type { EphemeralDomain } from '#controller/api/index.ts';
import { bindingOf, NO_ATTEMPT, stateOfAttempt, viewOfAttempt } from './attempt.ts';
import type { Binding } from './attempt.ts';
import { currentContact, viewOf } from './host-state.ts';
import type { AttemptView, Knowledge } from './next.ts';
import { quietUntil, readinessOf, readyBy } from './readiness.ts';
import type { ReconcilerParts } from './reconcile.ts';
import { askedOf } from './tracked.ts';
import type { Owner, Tracked } from './tracked.ts';

/** What is known of a domain's resource. */
export type Standing =
  | { readonly kind: 'bound'; readonly resource: EphemeralDomain; readonly binding: Binding }
  | { readonly kind: 'over' }
  | { readonly kind: 'orphan' }
  | { readonly kind: 'untold'; readonly retryAfterMs: number };

/** All that is known of a domain and its resource, for the next step to be decided on. */
export function knowledgeOf(parts: ReconcilerParts, tracked: Tracked, standing: Standing): Knowledge {
  const { state, hostLostAfterMs, now, wall } = parts;
  const contact = currentContact(state);
  return {
    attempt: standing.kind === 'bound' ? attemptOf(tracked, standing) : NO_ATTEMPT,
    host: viewOf(state, hostLostAfterMs, now()),
    found: tracked.found,
    asked: askedOf(tracked, contact?.session, now(), parts.settleMs),
    shutdownAsked: tracked.shutdownAsked,
    now: wall(),
  };
}

/** What is stored of the attempt, and what was heard of it that is not stored yet. */
function attemptOf(tracked: Tracked, { resource, binding }: Extract<Standing, { kind: 'bound' }>): AttemptView {
  const bound = { ...binding, exit: binding.exit ?? tracked.exit };
  const isReadyUntold = tracked.readyAt !== undefined && !binding.ready && readinessOf(resource) !== undefined;
  return {
    ...viewOfAttempt(resource, bound, tracked.confirmed === resource.metadata.resourceVersion),
    readyBy: binding.ready || tracked.readyAt !== undefined ? undefined : readyBy(resource, tracked.startedAt),
    quietUntil: quietUntil(resource, tracked.startedAt),
    untold: isReadyUntold || (tracked.exit !== undefined && binding.exit === undefined),
  };
}

/** From the cache where that is certain, else from the API server itself. */
export async function standingOf(parts: ReconcilerParts, tracked: Tracked, owner: Owner): Promise<Standing> {
  const cached = standingIn(parts, tracked, owner, parts.store.get(owner.key));
  if (cached !== undefined) return cached;
  // With nothing on the host there is nothing that could be harmed by a cache that is behind.
  if (tracked.found?.kind === 'absent') return { kind: 'over' };
  const live = standingIn(parts, tracked, owner, await parts.writer.readLive(owner.key));
  if (live !== undefined) return live;
  const served = await parts.writer.isKindServed();
  parts.kindServed(served);
  return served ? { kind: 'orphan' } : { kind: 'untold', retryAfterMs: UNTOLD_MS };
}

const UNTOLD_MS = 5_000;

function standingIn(
  { state }: ReconcilerParts,
  tracked: Tracked,
  owner: Owner,
  resource: EphemeralDomain | undefined,
): Standing | undefined {
  if (resource?.metadata.uid !== owner.uid) return undefined;
  const binding = bindingOf(resource);
  switch (stateOfAttempt(resource, tracked.uuid, owner.attempt)) {
    case 'bound':
      return binding?.host === state.name ? { kind: 'bound', resource, binding } : undefined;
    case 'over':
      return { kind: 'over' };
    case 'unknown':
      return undefined;
  }
}

import { effectiveSpec } from '#controller/api/index.ts';
import type { EphemeralDomain } from '#controller/api/index.ts';
import type { HostConsoles } from '#controller/console/index.ts';
import type { Change, Step } from './next.ts';
import type { StatusPatch } from './render.ts';
import type { Tracked } from './tracked.ts';

/** How many bytes of its console a resource wants to be kept; 0: none. */
export function captureBytesOf(resource: EphemeralDomain): number {
  return effectiveSpec(resource)?.domain.console?.captureBytes ?? 0;
}

/**
 * Attends to the console of a bound attempt's domain before a step is taken: captures it once the domain is there (right
 * after its start, after a reconnect, or as another process left it; on Xen with all that was written since, even where it
 * has ended). Returns ms for which the writing of its end is put off, since the last output often comes after the event: 0
 * but for captured domains that have ended, at most 300, or 1,300 where the console is still being opened.
 */
export function attendConsole(
  consoles: Pick<HostConsoles, 'capture' | 'lingerMs' | 'tail'>,
  { uuid, found }: Tracked,
  resource: EphemeralDomain,
  step: Step,
): number {
  if (found?.kind === 'active' || found?.kind === 'ended') consoles.capture(uuid, captureBytesOf(resource));
  return found?.kind === 'ended' && step.kind === 'write' && isEnd(step.change) ? consoles.lingerMs(uuid) : 0;
}

/** The patch that stores an end, with what was captured joined in: no write of its own. */
export function withConsoleTail(
  patch: StatusPatch,
  change: Change,
  consoles: Pick<HostConsoles, 'capture' | 'lingerMs' | 'tail'>,
  { uuid }: Tracked,
  resource: EphemeralDomain,
): StatusPatch {
  const captureBytes = captureBytesOf(resource);
  if (captureBytes === 0 || !isEnd(change)) return patch;
  return { ...patch, status: { ...patch.status, consoleTail: consoles.tail(uuid, captureBytes) ?? null } };
}

/** Whether it stores what became of the attempt. A suspended one has no outcome: neither exit code nor tail is kept of it. */
function isEnd({ kind }: Change): boolean {
  switch (kind) {
    case 'succeeded':
    case 'failed':
      return true;
    case 'running':
    case 'heard':
    case 'rebind':
    case 'unbind':
    case 'stopping':
    case 'suspended':
      return false;
  }
}

import type { ExitReport } from '#controller/notify/index.ts';
import type { End, Found } from './trace.ts';

/** An attempt as it stands in the resource's status: bound to a host, its end not stored. */
export interface BoundAttempt {
  readonly hostBoot: string;
  readonly hostDaemon: string;
  /** Whether condition Started is stored. */
  readonly started: boolean;
  /** What its guest said of how its work ended, whether stored or only heard of. */
  readonly exit?: ExitReport | undefined;
}

/** What the host is now, read on the connection by which the domain was looked at. */
export interface HostIdentity {
  readonly boot: string;
  readonly daemon: string;
  /** See HostTrace. */
  readonly outlivesDaemon: boolean;
}

/** What this process knows of its own asking the host to start the domain. */
export type Asked =
  /** This process asked nothing; one before it may have, and the host may still act on that until it has settled. */
  | { readonly kind: 'not-by-us'; readonly settled: boolean }
  /** This process bound the attempt itself, so nobody has asked yet. */
  | { readonly kind: 'not-yet' }
  /**
   * Asked, no answer. pending: the host may still act on it; settled: it cannot any more (its connection is gone for long);
   * hung: it could have answered for minutes and did not.
   */
  | { readonly kind: 'in-doubt'; readonly state: 'pending' | 'settled' | 'hung' }
  /** The host said no. `first`: nobody can have asked before. */
  | { readonly kind: 'refused'; readonly why: string; readonly first: boolean }
  | { readonly kind: 'name-held'; readonly by: string }
  /** It is known to have run, by the host's answer or its event. */
  | { readonly kind: 'ran' };

export type FailureReason =
  'Crashed' | 'Destroyed' | 'HostRebooted' | 'HostStateUnknown' | 'NonZeroExit' | 'StartFailed' | 'Unknown';

export type Verdict =
  | { readonly kind: 'adopt'; readonly id: number }
  | { readonly kind: 'succeeded'; readonly end: End }
  | { readonly kind: 'failed'; readonly reason: FailureReason; readonly message: string }
  /** It never ran. `defined`: the host knows it already, so it needs only be started. */
  | { readonly kind: 'start'; readonly defined: boolean }
  /** Nothing can be said yet. */
  | { readonly kind: 'look-again' }
  /** It never ran and cannot under this name: another address, and a binding anew. */
  | { readonly kind: 'rebind'; readonly heldBy: string };

/**
 * DESIGN.md, "At most one start for an attempt": the table, row by row. Where it cannot be told, the attempt is used up. A
 * domain that is stored as started and reads as never run was forgotten by its daemon, whatever that says of itself (one
 * with a fixed host_uuid looks the same after a restart).
 */
export function judge(attempt: BoundAttempt, host: HostIdentity, found: Found, asked: Asked): Verdict {
  const sameDaemon = host.outlivesDaemon || attempt.hostDaemon === host.daemon;
  switch (found.kind) {
    case 'active':
      return { kind: 'adopt', id: found.id };
    case 'ended':
      return ended(found.end, attempt.exit);
    case 'creating':
      return { kind: 'look-again' };
    case 'never-run':
      return sameDaemon && !attempt.started ? neverRun(asked) : lost(attempt, unknown('off'));
    case 'start-failed':
      return sameDaemon && !attempt.started ? startFailed(asked) : lost(attempt, unknown('failed'));
    case 'absent':
      return absent(attempt, host, asked);
  }
}

function ended(end: End, exit: ExitReport | undefined): Verdict {
  switch (end) {
    case 'power-off':
    case 'reboot':
    case 'vanished':
    case 'forgotten':
      return exit === undefined || exit.code === 0 ? { kind: 'succeeded', end } : nonZero(exit);
    case 'crashed':
      return { kind: 'failed', reason: 'Crashed', message: 'the domain crashed' };
    case 'destroyed':
      return { kind: 'failed', reason: 'Destroyed', message: 'the domain was destroyed by somebody on its host' };
  }
}

/** With a code other than 0 a guest has said that it failed, however quietly it left. */
function nonZero({ code, message }: ExitReport): Verdict {
  const told = message === '' ? '' : `: ${message}`;
  return { kind: 'failed', reason: 'NonZeroExit', message: `exited with code ${code}${told}` };
}

/** It is over and the host has forgotten how: what its guest said of its work counts, where it said something. */
function lost({ exit }: BoundAttempt, otherwise: Verdict): Verdict {
  return exit === undefined ? otherwise : ended('forgotten', exit);
}

/**
 * Defined, off, same daemon. A domain that this process saw run would be told as ended by the daemon that saw it end; that
 * it reads as never run is a contradiction, and not a reason to run it again.
 */
function neverRun(asked: Asked): Verdict {
  switch (asked.kind) {
    case 'not-by-us':
    case 'not-yet':
    case 'in-doubt':
      return startOnce(asked, true);
    case 'refused':
      return startFailed(asked);
    case 'name-held':
      return { kind: 'rebind', heldBy: asked.by };
    case 'ran':
      return unknown('off');
  }
}

function startFailed(asked: Asked): Verdict {
  const why = asked.kind === 'refused' ? asked.why : 'libvirtd could not start it; its log in dom0 says why';
  return { kind: 'failed', reason: 'StartFailed', message: why };
}

function unknown(state: 'off' | 'failed'): Verdict {
  const shown = state === 'off' ? 'off as if it had never run' : 'off after a failed start';
  const message = `libvirtd was restarted and lists the domain as ${shown}: whether it ran, and how it ended, is lost`;
  return { kind: 'failed', reason: 'Unknown', message };
}

function absent(attempt: BoundAttempt, host: HostIdentity, asked: Asked): Verdict {
  if (attempt.hostBoot !== host.boot) {
    const message = 'the host was rebooted: whether the domain ran, and how it ended, is lost';
    return lost(attempt, { kind: 'failed', reason: 'HostRebooted', message });
  }
  if (attempt.started || asked.kind === 'ran') {
    const message = 'the domain is gone from its host though nobody stored its end: it was destroyed there';
    return { kind: 'failed', reason: 'Destroyed', message };
  }
  switch (asked.kind) {
    case 'not-by-us':
    case 'not-yet':
    case 'in-doubt':
      return startOnce(asked, false);
    case 'name-held':
      return { kind: 'rebind', heldBy: asked.by };
    case 'refused':
      return refused(host, asked);
  }
}

/**
 * It never ran. The host may be asked again only once no earlier request can still be under way: acted on late, after our
 * own has run, ended and been acknowledged (or, where the host does not refuse that, only ended), it would run it again.
 */
function startOnce(asked: Extract<Asked, { kind: 'not-by-us' | 'not-yet' | 'in-doubt' }>, defined: boolean): Verdict {
  switch (asked.kind) {
    case 'not-yet':
      return { kind: 'start', defined };
    case 'not-by-us':
      return asked.settled ? { kind: 'start', defined } : { kind: 'look-again' };
    case 'in-doubt':
      if (asked.state === 'settled') return { kind: 'start', defined };
      if (asked.state === 'pending') return { kind: 'look-again' };
      return { kind: 'failed', reason: 'StartFailed', message: 'libvirtd did not answer the request to start it' };
  }
}

/**
 * Refused by a host that knows no such domain. On Xen a libvirtd that was killed within a create leaves a paused domain
 * that it does not know itself, and that holds the name: unless ours was the very first create, that is what it may be.
 */
function refused(host: HostIdentity, asked: Extract<Asked, { kind: 'refused' }>): Verdict {
  if (host.outlivesDaemon && !asked.first) {
    const message = `the host refuses the domain and knows none such, so it may lie there paused: ${asked.why}`;
    return { kind: 'failed', reason: 'HostStateUnknown', message };
  }
  return { kind: 'failed', reason: 'StartFailed', message: asked.why };
}

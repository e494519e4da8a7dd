import type { DomainPlan } from '#controller/domain/xml.ts';

/** How a domain that ran came to its end. */
export type End =
  /** It powered itself off; LXC says so of every end of its own, crashes too. */
  | 'power-off'
  /** It rebooted: a one-shot domain has ended then, too. On LXC its container is up again until it is destroyed. */
  | 'reboot'
  /** Its process is gone, and the host still lists it as running: it ended by itself and nobody told. */
  | 'vanished'
  /** Its host has forgotten how, and its guest had said how its work ended. */
  | 'forgotten'
  | 'crashed'
  /** By somebody in dom0: the controller destroys only what is decided already. */
  | 'destroyed';

/** What a host knows of one domain: its trace, in the words of DESIGN.md's table. */
export type Found =
  | { readonly kind: 'absent' }
  /** Runs, is blocked, or is paused. */
  | { readonly kind: 'active'; readonly id: number }
  /** It ran and is over; the host keeps it listed until the trace is acknowledged. */
  | { readonly kind: 'ended'; readonly end: End }
  /** A create is under way (Xen 5/0): not yet, and not over. */
  | { readonly kind: 'creating' }
  /** Defined and off as if it had never run (5/0): true only while the daemon has not been restarted. */
  | { readonly kind: 'never-run' }
  /** Defined and off after a start that failed (5/6): true only while the daemon has not been restarted. */
  | { readonly kind: 'start-failed' };

/** Answer to the request to start a domain. */
export type StartAnswer =
  | { readonly kind: 'started'; readonly id: number }
  /** The host said no, and the domain did not run. `why`: the host's own words. */
  | { readonly kind: 'refused'; readonly why: string }
  /** The host has this very domain already (55), or the UUID under another name (9): look. */
  | { readonly kind: 'exists' }
  /** Another domain has the name: this one did not run. */
  | { readonly kind: 'name-held'; readonly by: string }
  /** No answer came: only a look can tell. `timedOut`: the connection is still there. */
  | { readonly kind: 'in-doubt'; readonly timedOut: boolean }
  /** Nothing was sent. */
  | { readonly kind: 'not-sent' };

/** One domain of a host's list. */
export interface Listed {
  readonly uuid: string;
  readonly name: string;
  readonly found: Found;
}

/**
 * The trace that a domain leaves on its host, from before it can run until its end is stored: the one thing that differs
 * between kinds of host. Made for one session. Calls but the starts fail with LibvirtError; a failed call changed nothing
 * that a look would not show.
 */
export interface HostTrace {
  /** Whether an end stays readable through a restart of the daemon (Xen keeps it itself). */
  readonly outlivesDaemon: boolean;
  /** Starts a domain for the first time, leaving a trace first. Never rejects for what the host answers. */
  start(plan: DomainPlan): Promise<StartAnswer>;
  /** Starts a domain that was found 'never-run'. */
  startDefined(plan: DomainPlan): Promise<StartAnswer>;
  observe(uuid: string): Promise<Found>;
  /**
   * Asks the domain to end by itself, and waits so long for the host's answer. It says only that the domain was asked: one
   * that does not listen goes on.
   */
  shutdown(uuid: string, timeoutMs: number): Promise<void>;
  /** Ends the domain if it still runs; its trace stays where the host can keep it, which Xen cannot. */
  destroy(uuid: string): Promise<void>;
  /** Ends the domain if it still runs and removes its trace; it is no longer listed when this resolves. */
  acknowledge(uuid: string, found: Found): Promise<void>;
  /** All domains of the host. */
  list(): Promise<readonly Listed[]>;
  /** Settles ends that the daemon missed while it was down or did not listen; needed after each connect. */
  settle(): Promise<void>;
  /**
   * Whether a domain that is listed as running has ended all the same. False where the host always tells. `mac`: of its
   * interface, where it has one.
   */
  hasVanished(uuid: string, mac: string | undefined): Promise<boolean>;
}

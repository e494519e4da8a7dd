import type { ExitReport } from './exit-report.ts';

/** Whom a request says that it is from, and what shows whether that is so. */
export interface Claim {
  /** Name of a domain at libvirt. */
  readonly name: string;
  /** The IPv4 address at the other end of the connection. */
  readonly peer: string;
  /** What stood before /ready or /exit in the path. */
  readonly token: string | undefined;
}

export type Admission =
  | { readonly kind: 'guest'; readonly guest: Guest }
  /** No domain of that name is looked after here. */
  | { readonly kind: 'unknown' }
  /** There is one, and this is not it. `why` names nothing of the request. */
  | { readonly kind: 'stranger'; readonly why: string }
  /** It cannot be told now. */
  | { readonly kind: 'unavailable'; readonly why: string };

/** What became of what a guest said. */
export type Reception =
  | 'stored'
  /** Noted by who serves the guest's request, which stores nothing. */
  | 'heard'
  /** It has said how its work ended before, and that counts. */
  | 'said-before'
  /** Its attempt is over. */
  | 'over'
  /** Not yet stored, or nobody knows: it may say so again. */
  | 'not-stored';

/** A domain that is known to speak for itself. Both resolve within seconds. */
export interface Guest {
  ready(): Promise<Reception>;
  exit(report: ExitReport): Promise<Reception>;
}

/** Who takes in what guests say: the controller while it holds the Lease. */
export interface Receiver {
  admit(claim: Claim): Promise<Admission>;
}

/** Where a guest is told to send. */
export interface NotifyEndpoint {
  readonly host: string;
  readonly port: number;
}

/** How guests reach this process. */
export interface NotifyPort {
  /** Where a guest with an address near this one reaches it; undefined: no route leads there. */
  endpointFor(address: string): Promise<NotifyEndpoint | undefined>;
  /** Gives what guests say to a receiver, until the returned way out is taken; without one they are told to come again. */
  attach(receiver: Receiver): () => void;
}

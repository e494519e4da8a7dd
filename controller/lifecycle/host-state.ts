import type { HostConfig } from '#controller/domain/hostspec.ts';
import type { Contact } from './contact.ts';
import type { Ledger } from './ledger.ts';
import type { HostView } from './next.ts';
import { isCurrent } from './session.ts';
import type { Tracked } from './tracked.ts';

/** All that is known of one host; its worker's parts share it. */
export interface HostState {
  readonly name: string;
  readonly config: HostConfig;
  /** UID of the namespace kube-system. */
  readonly cluster: string;
  readonly domains: Map<string, Tracked>;
  readonly ledger: Ledger;
  /** Attempts whose binding to this host is on its way to the API server: what they take is taken. */
  readonly assumed: Set<string>;
  /** Of the session there is, or of the last one. */
  contact: Contact | undefined;
  /** All memory that domains can have, KiB; known with the first contact. */
  memoryKiB: number;
  /** Monotonic ms since which there has been no session; undefined while there is one. */
  silentSince: number | undefined;
}

/** The contact, while what it says still holds. */
export function currentContact(state: HostState): Contact | undefined {
  return state.contact !== undefined && isCurrent(state.contact.session) ? state.contact : undefined;
}

/** A host that answers, but cannot be used as it is, is not lost: its domains are only not looked at. */
export function viewOf(state: HostState, hostLostAfterMs: number, now: number): HostView {
  const contact = currentContact(state);
  if (contact !== undefined) return { answering: true, identity: contact.identity };
  if (state.silentSince === undefined) return { answering: false, lostIn: Infinity };
  return { answering: false, lostIn: state.silentSince + hostLostAfterMs - now };
}

/** What a domain of this memory costs its host, KiB: Xen needs some for itself (page tables, shadow, event channels). */
export function costKiB(state: HostState, memoryKiB: number): number {
  return state.config.uri.kind === 'xen' ? memoryKiB + XEN_OVERHEAD_KIB + Math.ceil(memoryKiB / 128) : memoryKiB;
}

const XEN_OVERHEAD_KIB = 2048;

/** Memory that is neither taken nor promised nor reserved, KiB. */
export function freeKiB(state: HostState): number {
  return state.memoryKiB - state.config.reservedMemoryKiB - state.ledger.totals.memoryKiB;
}

/** The most memory that a domain may ask for to fit into what is free, KiB. */
export function askableKiB(state: HostState): number {
  const free = freeKiB(state);
  if (state.config.uri.kind !== 'xen') return free;
  return Math.floor(((free - XEN_OVERHEAD_KIB) * 128) / 129) - 1;
}

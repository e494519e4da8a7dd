import { AddressBook } from '#controller/domain/addresses.ts';
import type { Quarantine } from '#controller/domain/addresses.ts';
import type { HostNetwork } from '#controller/domain/hostspec.ts';

/** What one domain takes of its host, from its binding until the host no longer lists it. */
export interface Claim {
  readonly memoryKiB: number;
  readonly vcpus: number;
  readonly address: string | undefined;
  /** bound: not yet started; over: ended, its trace is still there; foreign: not this cluster's. */
  readonly state: 'bound' | 'running' | 'over' | 'foreign';
}

export interface LedgerTotals {
  readonly memoryKiB: number;
  readonly vcpus: number;
  readonly domains: number;
  readonly foreign: number;
  readonly bound: number;
  readonly running: number;
}

/** Accounts of one host: who has which memory and which address. Totals are kept, not counted anew. */
export class Ledger {
  readonly #claims = new Map<string, Claim>();
  readonly #book: AddressBook | undefined;
  #totals: LedgerTotals = { memoryKiB: 0, vcpus: 0, domains: 0, foreign: 0, bound: 0, running: 0 };

  constructor(network: HostNetwork | undefined, now: () => number) {
    this.#book =
      network === undefined ? undefined : new AddressBook({ cidr: network.cidr, gateway: network.gateway, now });
  }

  get totals(): LedgerTotals {
    return this.#totals;
  }

  get(uuid: string): Claim | undefined {
    return this.#claims.get(uuid);
  }

  /** Free addresses; without a network domains need none. */
  get freeAddresses(): number {
    return this.#book?.counts().free ?? Infinity;
  }

  /** Usable addresses and those held or in quarantine; undefined without a network. */
  addressCounts(): { readonly usable: number; readonly used: number } | undefined {
    const counts = this.#book?.counts();
    return counts === undefined ? undefined : { usable: counts.usable, used: counts.held + counts.quarantined };
  }

  /** An address for a domain that is about to be bound; undefined where none is free or none is needed. */
  takeAddress(uuid: string): string | undefined {
    return this.#book?.acquire(uuid);
  }

  /** Sets what a domain takes. Its address is held for it, unless another holds it already: then false. */
  set(uuid: string, claim: Claim): boolean {
    const before = this.#claims.get(uuid);
    if (before?.address !== undefined && before.address !== claim.address) this.#book?.release(before.address, uuid);
    this.#add(before, -1);
    this.#claims.set(uuid, claim);
    this.#add(claim, 1);
    if (claim.address === undefined || this.#book === undefined) return true;
    if (this.#book.holderOf(claim.address) === uuid) return true;
    return this.#book.hold(claim.address, uuid).kind !== 'taken';
  }

  setState(uuid: string, state: Claim['state']): void {
    const claim = this.#claims.get(uuid);
    if (claim !== undefined && claim.state !== state) this.set(uuid, { ...claim, state });
  }

  /** The host no longer lists it, or its binding was not stored. */
  drop(uuid: string): void {
    const claim = this.#claims.get(uuid);
    if (claim === undefined) return;
    this.#claims.delete(uuid);
    this.#add(claim, -1);
    if (claim.address !== undefined) this.#book?.release(claim.address, uuid);
  }

  isHeld(address: string): boolean {
    return this.#book?.holderOf(address) !== undefined;
  }

  quarantine(address: string, quarantine: Quarantine): void {
    this.#book?.quarantine(address, quarantine);
  }

  quarantined(): ReadonlyMap<string, Quarantine> {
    return this.#book?.quarantined() ?? new Map<string, Quarantine>();
  }

  uuids(): readonly string[] {
    return [...this.#claims.keys()];
  }

  #add(claim: Claim | undefined, sign: 1 | -1): void {
    if (claim === undefined) return;
    const { memoryKiB, vcpus, domains, foreign, bound, running } = this.#totals;
    const one = (state: Claim['state']) => (claim.state === state ? sign : 0);
    this.#totals = {
      memoryKiB: memoryKiB + sign * claim.memoryKiB,
      vcpus: vcpus + sign * claim.vcpus,
      domains: domains + sign,
      foreign: foreign + one('foreign'),
      bound: bound + one('bound'),
      running: running + one('running'),
    };
  }
}

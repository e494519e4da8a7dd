import { cidrContains, ipv4Text, ipv4Value } from './ipv4.ts';
import type { Cidr } from './ipv4.ts';

/** Why an address rests though nobody holds it. */
export interface Quarantine {
  readonly why: string;
  /** Time of the book's clock at which it ends; never, until `release`, where absent. */
  readonly untilMs?: number | undefined;
}

export type HoldResult =
  { readonly kind: 'held' } | { readonly kind: 'taken'; readonly by: string } | { readonly kind: 'not-an-address' };

export interface AddressBookOptions {
  readonly cidr: Cidr;
  /** Never given out. */
  readonly gateway: string;
  /** Monotonic clock, milliseconds. */
  readonly now: () => number;
}

/** How many addresses of the range there are, and what they are in. */
export interface AddressCounts {
  readonly usable: number;
  readonly held: number;
  readonly quarantined: number;
  readonly free: number;
}

/**
 * Addresses of one host's guests: all of its range but network, broadcast and gateway. An address has at most one
 * holder. The address that has rested longest is given out first, so late packets of one domain meet no other.
 * Memory grows with the addresses that were ever used, never with the size of the range.
 */
export class AddressBook {
  readonly #cidr: Cidr;
  readonly #gateway: number | undefined;
  readonly #now: () => number;
  readonly #holders = new Map<number, string>();
  readonly #quarantines = new Map<number, Quarantine>();
  /** Given back, the one that has rested longest first. */
  readonly #rested = new Set<number>();
  /** From here on no address has been given out; some may be held, in quarantine or rested all the same. */
  #fresh: number;

  constructor(options: AddressBookOptions) {
    this.#cidr = options.cidr;
    this.#gateway = ipv4Value(options.gateway);
    this.#now = options.now;
    this.#fresh = options.cidr.first + 1;
  }

  /** Takes the address that has rested longest; undefined when none is free. */
  acquire(holder: string): string | undefined {
    this.#endQuarantines();
    const value = this.#takeFresh() ?? this.#takeRested();
    if (value === undefined) return undefined;
    this.#holders.set(value, holder);
    return ipv4Text(value);
  }

  /**
   * Notes that `holder` has this address already, as a host's domains and stored bindings tell. Addresses outside the
   * range (it may have been changed) are noted too, and never given out. Ends a quarantine.
   */
  hold(address: string, holder: string): HoldResult {
    const value = ipv4Value(address);
    if (value === undefined) return { kind: 'not-an-address' };
    const by = this.#holders.get(value);
    if (by !== undefined && by !== holder) return { kind: 'taken', by };
    this.#rested.delete(value);
    this.#quarantines.delete(value);
    this.#holders.set(value, holder);
    return { kind: 'held' };
  }

  /** Gives an address back; false (and nothing done) where `holder` does not hold it. */
  release(address: string, holder: string): boolean {
    const value = ipv4Value(address);
    if (value === undefined || this.#holders.get(value) !== holder) return false;
    this.#holders.delete(value);
    this.#rest(value);
    return true;
  }

  /**
   * Takes an address out of use, from its holder too; false where the text is no address. A second quarantine replaces
   * the first.
   */
  quarantine(address: string, quarantine: Quarantine): boolean {
    const value = ipv4Value(address);
    if (value === undefined) return false;
    this.#holders.delete(value);
    this.#rested.delete(value);
    this.#quarantines.set(value, quarantine);
    return true;
  }

  /** Ends the quarantine of an address; false where it is in none. */
  endQuarantine(address: string): boolean {
    const value = ipv4Value(address);
    if (value === undefined || !this.#quarantines.delete(value)) return false;
    this.#rest(value);
    return true;
  }

  holderOf(address: string): string | undefined {
    const value = ipv4Value(address);
    return value === undefined ? undefined : this.#holders.get(value);
  }

  /** All held addresses, in and outside the range, with their holders. */
  held(): ReadonlyMap<string, string> {
    return new Map(Array.from(this.#holders, ([value, holder]) => [ipv4Text(value), holder]));
  }

  /** All addresses in quarantine. */
  quarantined(): ReadonlyMap<string, Quarantine> {
    this.#endQuarantines();
    return new Map(Array.from(this.#quarantines, ([value, quarantine]) => [ipv4Text(value), quarantine]));
  }

  counts(): AddressCounts {
    this.#endQuarantines();
    const gateway = this.#gateway !== undefined && this.#isInside(this.#gateway) ? 1 : 0;
    const usable = this.#cidr.last - this.#cidr.first - 1 - gateway;
    const held = this.#countUsable(this.#holders);
    const quarantined = this.#countUsable(this.#quarantines);
    return { usable, held, quarantined, free: usable - held - quarantined };
  }

  #takeFresh(): number | undefined {
    while (this.#fresh < this.#cidr.last) {
      const value = this.#fresh;
      this.#fresh += 1;
      if (this.#isUsable(value) && !this.#isKnown(value)) return value;
    }
    return undefined;
  }

  #takeRested(): number | undefined {
    for (const value of this.#rested) {
      this.#rested.delete(value);
      return value;
    }
    return undefined;
  }

  /** Puts an address that has no holder any more at the end of the queue, if it may be given out at all. */
  #rest(value: number): void {
    if (this.#isUsable(value)) this.#rested.add(value);
  }

  #endQuarantines(): void {
    const now = this.#now();
    for (const [value, { untilMs }] of this.#quarantines) {
      if (untilMs === undefined || untilMs > now) continue;
      this.#quarantines.delete(value);
      this.#rest(value);
    }
  }

  #isKnown(value: number): boolean {
    return this.#holders.has(value) || this.#quarantines.has(value) || this.#rested.has(value);
  }

  #isInside(value: number): boolean {
    return value > this.#cidr.first && value < this.#cidr.last;
  }

  #isUsable(value: number): boolean {
    return this.#isInside(value) && value !== this.#gateway;
  }

  #countUsable(values: ReadonlyMap<number, unknown>): number {
    let count = 0;
    for (const value of values.keys()) if (this.#isUsable(value)) count += 1;
    return count;
  }
}

/** Whether an address may be given to a guest of this range: not its network, broadcast or gateway address. */
export const isGuestAddress = (cidr: Cidr, gateway: string | undefined, address: string): boolean => {
  const value = ipv4Value(address);
  return cidrContains(cidr, address) && value !== cidr.first && value !== cidr.last && address !== gateway;
};

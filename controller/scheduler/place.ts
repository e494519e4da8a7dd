import { refusal } from './filter.ts';
import type { Ask, HostView, Refusal } from './filter.ts';

export type Placement =
  | { readonly kind: 'host'; readonly host: string }
  /** One refusal for each host. */
  | { readonly kind: 'none'; readonly refusals: readonly Refusal[] };

/**
 * Picks the host that a domain is bound to: of those that can take it one that is not to be avoided, then the one with the
 * fewest domains starting (creates on one host serialise), then with the most free memory, then the first by name.
 */
export function place(ask: Ask, hosts: Iterable<HostView>): Placement {
  const refusals: Refusal[] = [];
  let best: HostView | undefined;
  for (const host of hosts) {
    const why = refusal(host, ask);
    if (why !== undefined) refusals.push(why);
    else if (best === undefined || isBetter(host, best, ask)) best = host;
  }
  return best === undefined ? { kind: 'none', refusals } : { kind: 'host', host: best.name };
}

function isBetter(host: HostView, other: HostView, { avoid = [] }: Ask): boolean {
  const avoided = avoid.includes(host.name);
  if (avoided !== avoid.includes(other.name)) return !avoided;
  if (host.starting !== other.starting) return host.starting < other.starting;
  if (host.freeMemory !== other.freeMemory) return host.freeMemory > other.freeMemory;
  return host.name < other.name;
}

import { isDeepStrictEqual } from 'node:util';
import { DOMAIN_HOSTS, EPHEMERAL_DOMAINS, isFinished } from '#controller/api/index.ts';
import type { Hypervisor } from '#controller/libvirt/index.ts';
import type { BenchBed } from './bed.ts';
import type { IngressView } from './front.ts';

/** All that a request takes while it is served, and leaves nothing of. */
export interface Census {
  readonly slots: number;
  readonly waiting: number;
  /** Of the host's own list, whatever their state. */
  readonly domains: number;
  /** Of the host's range: given out or held back, by the DomainHost's status. */
  readonly addresses: number;
  readonly visitors: number;
  readonly guests: number;
  /** EphemeralDomains that have not come to their end. */
  readonly unfinished: number;
  /** EphemeralDomains in all. */
  readonly resources: number;
}

/** Nothing of a request. */
export const NOTHING: Census = {
  ...{ slots: 0, waiting: 0, domains: 0, addresses: 0, visitors: 0, guests: 0, unfinished: 0, resources: 0 },
};

/** Counts on one host. */
export async function takeCensus(bench: BenchBed, ingress: IngressView, observer: Hypervisor): Promise<Census> {
  const { items } = await bench.client.list(EPHEMERAL_DOMAINS);
  const host = await bench.client.get(DOMAIN_HOSTS, { name: bench.hosts[0]?.name ?? '' });
  const { visitors, guests } = ingress.sockets();
  return {
    slots: await ingress.metric('slots_held'),
    waiting: await ingress.metric('requests_waiting'),
    domains: (await observer.listAllDomains()).length,
    addresses: host.status?.allocated?.addresses ?? 0,
    ...{ visitors, guests },
    unfinished: items.filter(({ status }) => !isFinished(status?.phase)).length,
    resources: items.length,
  };
}

const LOOK_MS = 100;

/** Counts until it is as it was before, or time is up; what it was then, and how long that took. */
export async function untilAsBefore(
  before: Census,
  count: () => Promise<Census>,
  timeoutMs: number,
): Promise<{ readonly after: Census; readonly seconds: number; readonly asBefore: boolean }> {
  const begun = performance.now();
  for (;;) {
    const after = await count();
    const asBefore = isDeepStrictEqual(after, before);
    const seconds = (performance.now() - begun) / 1000;
    if (asBefore || seconds * 1000 > timeoutMs) return { after, seconds, asBefore };
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

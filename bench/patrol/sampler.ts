import type { Domain, Hypervisor } from '#controller/libvirt/index.ts';

/** How long plain calls took, milliseconds. */
export interface Delays {
  readonly calls: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

const PAUSE_MS = 20;

/** Asks for the state of one domain after the other, a pause between, for so long. */
export async function sampleCalls(client: Hypervisor, domains: readonly Domain[], forMs: number): Promise<Delays> {
  const taken: number[] = [];
  const until = performance.now() + forMs;
  while (performance.now() < until) {
    const domain = domains[taken.length % domains.length];
    if (domain === undefined) throw new Error('there is no domain whose state could be asked for');
    const began = performance.now();
    await client.getState(domain);
    taken.push(performance.now() - began);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  const sorted = taken.sort((a, b) => a - b);
  const at = (part: number): number => Math.round((sorted[Math.floor((sorted.length - 1) * part)] ?? 0) * 100) / 100;
  return { calls: sorted.length, p50: at(0.5), p99: at(0.99), max: at(1) };
}

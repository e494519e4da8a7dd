import { readFile } from 'node:fs/promises';
import { EPHEMERAL_DOMAINS, isFinished } from '#controller/api/index.ts';
import { readLibvirtPki } from '#controller/config/index.ts';
import { connect } from '#controller/libvirt/index.ts';
import type { Hypervisor, TlsCredentials } from '#controller/libvirt/index.ts';
import { waitFor } from '#hack/bed/process.ts';
import type { TestHost } from '#hack/hosts/host.ts';
import type { BenchBed } from './bed.ts';

/** The one that a bed's kubeconfig names. */
export const NAMESPACE = 'default';

/** The credentials with which a host is reached; none where it is reached over a unix socket. */
export async function credentialsOf(host: TestHost): Promise<TlsCredentials | undefined> {
  return host.tls === undefined ? undefined : readLibvirtPki(host.tls.pkipath, (path) => readFile(path, 'utf8'));
}

/** A client of the bench's own on each host's libvirtd. */
export async function observe(hosts: readonly TestHost[]): Promise<readonly Hypervisor[]> {
  return Promise.all(
    hosts.map(async (host) => {
      const hypervisor = connect({ uri: host.uri, tls: await credentialsOf(host) });
      await hypervisor.connected(30_000);
      return hypervisor;
    }),
  );
}

/** UUIDs of the domains that hosts list, in any state. */
export async function listedDomains(observers: readonly Hypervisor[]): Promise<readonly string[]> {
  const lists = await Promise.all(observers.map((observer) => observer.listAllDomains()));
  return lists.flat().map(({ uuid }) => uuid);
}

/** What there is too much of once all is over. */
export interface Left {
  readonly unfinished: number;
  readonly onHosts: number;
  readonly slots: number;
}

/** Unfinished EphemeralDomains, domains that hosts list, and slots that the ingress with those metrics holds. */
export async function whatIsLeft(bench: BenchBed, observers: readonly Hypervisor[], metricsUrl: string): Promise<Left> {
  const { items } = await bench.client.list(EPHEMERAL_DOMAINS, { namespace: NAMESPACE });
  const metrics = await (await fetch(`${metricsUrl}/metrics`, { signal: AbortSignal.timeout(5000) })).text();
  return {
    unfinished: items.filter(({ status }) => !isFinished(status?.phase)).length,
    onHosts: (await listedDomains(observers)).length,
    slots: Number(/^hatchery_ingress_slots_held (\d+)$/m.exec(metrics)?.[1]),
  };
}

/** Waits until nothing is left; rejects where something stays. */
export async function untilNothingIsLeft(...args: Parameters<typeof whatIsLeft>): Promise<Left> {
  let left: Left | undefined;
  await waitFor(
    'nothing is left of all requests',
    async () => {
      left = await whatIsLeft(...args);
      return left.unfinished + left.onHosts + left.slots === 0;
    },
    { timeoutMs: 90_000, intervalMs: 500 },
  );
  if (left === undefined) throw new Error('nothing was looked at');
  return left;
}

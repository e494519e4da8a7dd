import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { stringify } from 'yaml';
import { DOMAIN_HOSTS, EPHEMERAL_DOMAINS } from '#controller/api/index.ts';
import type { EphemeralDomain } from '#controller/api/index.ts';
import { connect } from '#controller/libvirt/index.ts';
import type { Hypervisor } from '#controller/libvirt/index.ts';
import { Connect, DomainProcedure, Node, StorageProcedure } from '#controller/libvirt/protocol.ts';
import { runningIdentity, stopProcess, waitFor } from '#hack/bed/process.ts';
import { step } from '#hack/bed/step.ts';
import { waitUntilHostsReady } from '#hack/commands/domainhosts.ts';
import { withBenchBed } from '../support/bed.ts';
import type { BenchBed } from '../support/bed.ts';
import { rounded } from '../support/lives.ts';
import { usageOf } from '../support/usage.ts';
import { countCalls } from './counter.ts';
import type { CallCounter } from './counter.ts';
import { sampleCalls } from './sampler.ts';

/*
 * What the controller's regular look at an LXC host with many idle domains costs: CPU of libvirtd and of the controller,
 * calls, and how long other calls wait meanwhile; against the same host once the controller has ended. Calls are counted by
 * a proxy on libvirtd's socket.
 */
const { values } = parseArgs({
  options: { domains: { type: 'string', default: '1000' }, seconds: { type: 'string', default: '60' } },
});

const HOST = 'lxc-1';
/** Room for 2,046 domains. They send nothing, so nothing need lead there. */
const RANGE = { domainCIDR: '198.19.240.0/21', gateway: '198.19.240.1' };
const START_LIMIT_MS = 20 * 60_000;
/** After so long without a start, the host is at rest. */
const REST_MS = 10_000;

console.log(JSON.stringify(await withBenchBed({ hosts: 'lxc:1' }, (bed) => measure(bed))));

async function measure(bench: BenchBed): Promise<object> {
  const domains = Number(values.domains);
  const [host] = bench.hosts;
  if (host === undefined) throw new Error('the bed has no host');
  const target = new URL(host.uri).searchParams.get('socket') ?? '';
  const socket = join(bench.bed.runDir, 'counted-sock');
  const counter = await countCalls(socket, target);
  const client = connect({ uri: host.uri });
  try {
    await client.connected(10_000);
    const spec = { ...RANGE, uri: `lxc+unix:///system?socket=${socket}` };
    await bench.client.patch(DOMAIN_HOSTS, { name: HOST }, { spec });
    await waitUntilHostsReady(bench.cluster.kubectl, bench.hosts, () => undefined);
    const seconds = await start(bench, domains);
    await new Promise((resolve) => setTimeout(resolve, REST_MS));
    const patrolling = await step(`Measuring for ${values.seconds} s, with the controller`, () =>
      observe(bench, client, counter),
    );
    await stopProcess(bench.bed, 'controller');
    await new Promise((resolve) => setTimeout(resolve, REST_MS));
    const alone = await step(`Measuring for ${values.seconds} s, without it`, () => observe(bench, client, counter));
    return { bench: 'patrol', domains, startSeconds: rounded(seconds), patrolling, alone };
  } finally {
    await client.close();
    await counter.close();
  }
}

/** Has so many idle domains run; resolves with how long that took, in seconds. */
async function start({ cluster, client }: BenchBed, domains: number): Promise<number> {
  const began = performance.now();
  const items = Array.from({ length: domains }, (_, index) => idle(`idle-${index + 1}`));
  const input = stringify({ apiVersion: 'v1', kind: 'List', items }, { aliasDuplicateObjects: false });
  await step(`Applying ${domains} EphemeralDomains`, () =>
    cluster.kubectl(['apply', '-f', '-'], { input, timeoutMs: START_LIMIT_MS }),
  );
  await step('Waiting until all run', (progress) => {
    const running = async (): Promise<boolean> => {
      const phases = (await client.list(EPHEMERAL_DOMAINS)).items.map(({ status }) => status?.phase ?? '');
      const failed = phases.filter((phase) => phase === 'Failed').length;
      if (failed > 0) throw new Error(`${failed} domains failed: this machine does not carry so many`);
      const count = phases.filter((phase) => phase === 'Running').length;
      progress(`${count} of ${domains}`);
      return count >= domains;
    };
    return waitFor(`${domains} domains run`, running, { timeoutMs: START_LIMIT_MS, intervalMs: 2_000 });
  });
  return (performance.now() - began) / 1000;
}

function idle(name: string): Pick<EphemeralDomain, 'apiVersion' | 'kind' | 'spec'> & { metadata: { name: string } } {
  const boot = { kernel: 'hatchling', cmdline: 'quiet -mode hang' };
  return {
    apiVersion: 'hatchery.dev/v1alpha1',
    kind: 'EphemeralDomain',
    metadata: { name },
    spec: { domain: { type: 'pv', memory: '16Mi', vcpus: 1, boot } },
  };
}

/** What libvirtd and, where it runs, the controller take in a while. */
async function observe({ bed }: BenchBed, client: Hypervisor, counter: CallCounter): Promise<object> {
  const pids = await Promise.all([HOST, 'controller'].map(async (name) => (await runningIdentity(bed, name))?.pid));
  const cpu = (): readonly number[] => pids.map((pid) => (pid === undefined ? 0 : usageOf(pid).cpuSeconds));
  const domains = await client.listAllDomains();
  counter.take();
  const before = cpu();
  const began = performance.now();
  const delays = await sampleCalls(client, domains, Number(values.seconds) * 1000);
  const seconds = (performance.now() - began) / 1000;
  const after = cpu();
  const calls = counter.take();
  const perSecond = (index: number): number => rounded(((after[index] ?? 0) - (before[index] ?? 0)) / seconds);
  return {
    libvirtdCpu: perSecond(0),
    controllerCpu: perSecond(1),
    callsPerSecond: Object.fromEntries([...calls].map(([number, count]) => [nameOf(number), rounded(count / seconds)])),
    callDelayMs: delays,
  };
}

function nameOf(procedure: number): string {
  const all = [Connect, Node, DomainProcedure, StorageProcedure].flatMap((some) => Object.values(some));
  return all.find(({ number }) => number === procedure)?.name ?? String(procedure);
}

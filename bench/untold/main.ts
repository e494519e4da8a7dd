import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { attemptUuid } from '#controller/domain/identity.ts';
import { connect } from '#controller/libvirt/index.ts';
import type { Hypervisor } from '#controller/libvirt/index.ts';
import { waitFor } from '#hack/bed/process.ts';
import { step } from '#hack/bed/step.ts';
import type { TestHost } from '#hack/hosts/host.ts';
import { withBenchBed } from '../support/bed.ts';
import type { BenchBed } from '../support/bed.ts';
import { follow } from '../support/follow.ts';
import type { Following } from '../support/follow.ts';
import { helloList } from '../support/hello.ts';
import { rounded, summarize } from '../support/lives.ts';
import { Burners } from './burners.ts';
import { summarizeEnds } from './ends.ts';
import { watchGuests } from './guests.ts';
import type { GuestWatch } from './guests.ts';

/*
 * Hello domains on LXC hosts whose CPUs others keep busy: then libvirtd misses some ends. Does each domain succeed all the
 * same, how many ends were never told, and how long after its process' end was each stored? That a process has ended is
 * known from /proc, what libvirt told from a client of the bench's own, what was stored from a watch.
 */
const { values } = parseArgs({
  options: {
    domains: { type: 'string', default: '400' },
    hosts: { type: 'string', default: 'lxc:2' },
    burners: { type: 'string', default: String(availableParallelism()) },
  },
});

const LIMIT_MS = 15 * 60_000;

console.log(JSON.stringify(await withBenchBed({ hosts: values.hosts }, (bed) => measure(bed))));

async function measure(bench: BenchBed): Promise<object> {
  const domains = Number(values.domains);
  const told = new Map<string, number>();
  const clients = await Promise.all(bench.hosts.map((host) => listen(host, told)));
  const guests = watchGuests();
  const burners = new Burners(Number(values.burners));
  try {
    const following = await follow(bench.client, LIMIT_MS);
    await step(`Applying ${domains} EphemeralDomains while ${values.burners} loops keep the CPUs busy`, async () =>
      bench.cluster.kubectl(['apply', '-f', '-'], { input: await helloList(domains), timeoutMs: LIMIT_MS }),
    );
    await step('Waiting until all have ended', (progress) => {
      const ended = (): boolean => {
        progress(`${following.ended()} of ${domains}`);
        return following.ended() >= domains;
      };
      return waitFor(`${domains} domains have ended`, ended, { timeoutMs: LIMIT_MS, intervalMs: 200 });
    });
    // What is told only now, as the last trace goes, is still heard.
    await waitFor('the hosts list no domain', () => areEmpty(clients), { timeoutMs: 60_000, intervalMs: 200 });
    await following.stop();
    return report(following, told, guests);
  } finally {
    guests.stop();
    await burners.stop();
    await Promise.all(clients.map((client) => client.close()));
  }
}

/** Notes when a host first told of each domain's end, by the domain's UUID. */
async function listen(host: TestHost, told: Map<string, number>): Promise<Hypervisor> {
  const client = connect({ uri: host.uri });
  client.observe({
    onLifecycle: ({ domain, event }) => {
      if (event === 'stopped' && !told.has(domain.uuid)) told.set(domain.uuid, performance.now());
    },
  });
  await client.connected(10_000);
  return client;
}

async function areEmpty(clients: readonly Hypervisor[]): Promise<boolean> {
  const listed = await Promise.all(clients.map((client) => client.listAllDomains()));
  return listed.every((domains) => domains.length === 0);
}

function report({ lives }: Following, told: ReadonlyMap<string, number>, watch: GuestWatch): object {
  const ends = Array.from(lives, ([uid, life]) => {
    const uuid = attemptUuid(uid, 1);
    return { processAt: watch.guests.get(uuid)?.endedAt, toldAt: told.get(uuid), storedAt: life.endedAt };
  });
  const { domains, succeeded, failed, seconds } = summarize(lives);
  return {
    bench: 'untold',
    ...{ domains, succeeded, failed, seconds },
    ...summarizeEnds(ends),
    longestLookGapSeconds: rounded(watch.longestGapMs() / 1000),
  };
}

import { parseArgs } from 'node:util';
import { attemptUuid } from '#controller/domain/identity.ts';
import { connect } from '#controller/libvirt/index.ts';
import type { Hypervisor } from '#controller/libvirt/index.ts';
import { stopProcess, waitFor } from '#hack/bed/process.ts';
import { step } from '#hack/bed/step.ts';
import { startController } from '#hack/commands/controller.ts';
import { ensureClientPki } from '#hack/hosts/xen/pki.ts';
import type { TestHost } from '#hack/hosts/host.ts';
import { withBenchBed } from '../support/bed.ts';
import type { BenchBed } from '../support/bed.ts';
import { follow } from '../support/follow.ts';
import type { Following } from '../support/follow.ts';
import { helloList } from '../support/hello.ts';
import { summarize } from '../support/lives.ts';

/*
 * Hello domains while the controller is killed with SIGKILL again and again: does each run to its end, in its first
 * attempt, and was each started once? Starts are counted from libvirt's own events by a client of the bench's own.
 */
const { values } = parseArgs({
  options: {
    domains: { type: 'string', default: '300' },
    hosts: { type: 'string', default: 'lxc:2' },
    kills: { type: 'string', default: '6' },
  },
});

const LIMIT_MS = 10 * 60_000;

console.log(JSON.stringify(await withBenchBed({ hosts: values.hosts }, (bed) => measure(bed))));

async function measure(bench: BenchBed): Promise<object> {
  const domains = Number(values.domains);
  const kills = Number(values.kills);
  const starts = new Map<string, number>();
  const observers = await Promise.all(bench.hosts.map((host) => countStarts(host, starts)));
  try {
    const following = await follow(bench.client, LIMIT_MS);
    await step(`Applying ${domains} EphemeralDomains`, async () =>
      bench.cluster.kubectl(['apply', '-f', '-'], { input: await helloList(domains), timeoutMs: LIMIT_MS }),
    );
    await step(`Killing the controller ${kills} times while they run`, (progress) =>
      killAgainAndAgain(bench, following, { domains, kills }, progress),
    );
    await step('Waiting until all have ended', (progress) => {
      const ended = (): Promise<boolean> => {
        progress(`${following.ended()} of ${domains}`);
        return Promise.resolve(following.ended() >= domains);
      };
      return waitFor(`${domains} domains have ended`, ended, { timeoutMs: LIMIT_MS, intervalMs: 100 });
    });
    await following.stop();
    return report(following, starts, kills);
  } finally {
    await Promise.all(observers.map((observer) => observer.close()));
  }
}

/** Kills are spread over the run: the next one comes when another share of the domains has ended. */
async function killAgainAndAgain(
  { bed, cluster }: BenchBed,
  following: Following,
  { domains, kills }: { readonly domains: number; readonly kills: number },
  progress: (words: string) => void,
): Promise<void> {
  const libvirtPki = await ensureClientPki(bed);
  for (let kill = 1; kill <= kills; kill += 1) {
    const share = Math.floor((domains * kill) / (kills + 1));
    progress(`kill ${kill} once ${share} have ended`);
    await waitFor(`${share} domains have ended`, () => Promise.resolve(following.ended() >= share), {
      timeoutMs: LIMIT_MS,
      intervalMs: 20,
    });
    await stopProcess(bed, 'controller', { signal: 'SIGKILL' });
    await startController(bed, cluster, { libvirtPki });
  }
}

/** Counts each STARTED event of a host by the domain's UUID. */
async function countStarts(host: TestHost, starts: Map<string, number>): Promise<Hypervisor> {
  const hypervisor = connect({ uri: host.uri });
  hypervisor.observe({
    onLifecycle: ({ domain, event }) => {
      if (event === 'started') starts.set(domain.uuid, (starts.get(domain.uuid) ?? 0) + 1);
    },
  });
  await hypervisor.connected(10_000);
  return hypervisor;
}

function report({ lives }: Following, starts: ReadonlyMap<string, number>, kills: number): object {
  const expected = new Set([...lives.keys()].map((uid) => attemptUuid(uid, 1)));
  const { domains, succeeded, failed, seconds } = summarize(lives);
  return {
    bench: 'chaos',
    domains,
    succeeded,
    failed,
    seconds,
    kills,
    attempt1: [...lives.values()].filter(({ attempt }) => attempt === 1).length,
    startedOnce: [...expected].filter((uuid) => starts.get(uuid) === 1).length,
    startedTwiceOrMore: [...starts.values()].filter((count) => count > 1).length,
    startedOthers: [...starts.keys()].filter((uuid) => !expected.has(uuid)).length,
  };
}

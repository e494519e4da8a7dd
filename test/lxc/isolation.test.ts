import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';

import { macOf } from '#controller/domain/identity.ts';
import type { Domain } from '#controller/libvirt/index.ts';
import { runningIdentity } from '#hack/bed/process.ts';
import { run } from '#hack/bed/run.ts';
import { buildProber } from '#hack/guests/prober.ts';
import type { TestHost } from '#hack/hosts/host.ts';
import { BRIDGE, BRIDGE_MAC, planLxcHost } from '#hack/hosts/lxc/plan.ts';
import type { LxcPlan } from '#hack/hosts/lxc/plan.ts';
import { sharedBed, sharedHost, STARTUP_TIMEOUT_MS, TEST_TIMEOUT_MS } from '#test/support/bed.ts';
import { eventually } from '#test/support/eventually.ts';
import { datagram, readFrame, syn } from '#test/support/frames.ts';
import type { HeardFrame } from '#test/support/frames.ts';
import { attackerTo, describeIsolation, reach } from '#test/support/isolation.ts';
import type { Heard, IsolationRig } from '#test/support/isolation.ts';
import { watch } from '../integration/hosts/domains.ts';
import type { Watched } from '../integration/hosts/domains.ts';

/** How long is listened for what must not come: what may comes within a few milliseconds. */
const LISTEN_MS = 700;

interface Guest {
  readonly domain: Domain;
  readonly address: string;
  readonly mac: string;
  /** A process in its network namespace. */
  readonly pid: number;
}

/** Where the prober listens: in the namespace of a process, or in the machine's own. */
interface Place {
  readonly pid: number | undefined;
  readonly link: string;
}

describe('what a guest on LXC can send', function () {
  this.timeout(TEST_TIMEOUT_MS);
  let host: TestHost;
  let plan: LxcPlan;
  let client: Watched;
  let prober: string;
  let holder: number;
  const guests: Guest[] = [];
  let attacker: Guest;
  let victim: Guest;
  let rig: IsolationRig;

  before(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    const bed = await sharedBed();
    host = await sharedHost('lxc', 1);
    plan = planLxcHost(bed, 1);
    prober = await buildProber(bed);
    holder = (await runningIdentity(bed, plan.holder))?.pid ?? 0;
    client = watch(host);
    attacker = await guest(220);
    victim = await guest(221);
    const inside = ['nsenter', `--target=${holder}`, '--net', '--'];
    rig = {
      attacker,
      victim,
      router: { address: host.gateway, mac: BRIDGE_MAC },
      machine: plan.network.rootAddress,
      uplink: plan.network.hostAddress,
      unused: host.gateway.replace(/\d+$/, '250'),
      send: (frames) => listen(frames, () => Promise.resolve()),
      during: (act) => listen([], act),
      neighbour: async (address) => {
        const argv = [...inside, 'ip', 'neigh', 'show', address, 'dev', BRIDGE];
        return (await run(argv, { timeoutMs: 5_000 })).stdout;
      },
    };
  });
  after(async () => {
    for (const { domain } of guests) {
      await client.hypervisor.destroy(domain);
      await client.hypervisor.undefine(domain);
    }
    await client.close();
  });

  async function guest(last: number): Promise<Guest> {
    const address = plan.network.gateway.replace(/\d+$/, String(last));
    const domain = await client.start({ address, words: 'quiet -mode hang' });
    const pid = await eventually(() => initOf(domain.name));
    const input = `address add ${address}/25 dev eth0\nlink set eth0 up\nroute add default via ${host.gateway}\n`;
    await run(['nsenter', `--target=${pid}`, '--net', '--', 'ip', '-batch', '-'], { timeoutMs: 5_000, input });
    const made = { domain, address, mac: macOf(address), pid };
    guests.push(made);
    // Its link is up once it answers.
    await eventually(() => reach(address));
    return made;
  }

  const linkOf = ({ pid }: Guest): Place => ({ pid, link: 'eth0' });

  /** A prober that listens by now, and sends frames. */
  async function probe(
    { pid, link }: Place,
    frames: readonly string[] = [],
  ): Promise<{ readonly heard: Promise<HeardFrame[]> }> {
    const enter = pid === undefined ? [] : ['nsenter', `--target=${pid}`, '--net', '--'];
    const [command = '', ...args] = [...enter, prober, link, String(LISTEN_MS), ...frames];
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], timeout: 20_000 });
    const ended = once(child, 'close');
    const lines: string[] = [];
    const reader = createInterface({ input: child.stdout });
    reader.on('line', (line) => void lines.push(line));
    await once(reader, 'line');
    const heard = ended.then(([code]) => {
      assert.equal(code, 0, `the prober on ${link} failed`);
      return lines.filter((line) => line !== 'ready').map(readFrame);
    });
    return { heard };
  }

  async function listen(frames: readonly string[], act: () => Promise<void>): Promise<Heard> {
    const machine: Place = { pid: undefined, link: plan.rootLink };
    const others = await Promise.all([linkOf(victim), machine].map((place) => probe(place)));
    const own = await probe(linkOf(attacker), frames);
    await act();
    const [first = [], second = [], third = []] = await Promise.all([own, ...others].map(({ heard }) => heard));
    return { attacker: first, victim: second, machine: third };
  }

  describeIsolation(() => rig);

  describe('to the host', () => {
    const ports = [22, 80, 111, 16_509, 16_514];
    const targets = {
      gateway: () => host.gateway,
      'host on its uplink': () => plan.network.hostAddress,
      'management network': () => plan.network.managementCIDR.replace(/\d+\/\d+$/, '18'),
    } as const;
    for (const [what, target] of Object.entries(targets)) {
      it(`TCP and UDP to the ${what}: no answer, not even a refusal`, async () => {
        const ends = attackerTo(rig, target());
        const { attacker: own } = await rig.send([
          ...ports.map((port) => syn(ends, port)),
          datagram(ends, 67),
          datagram(ends, 53),
        ]);
        assert.deepEqual(
          own.filter(({ from, kind }) => from === target() && kind !== 'arp-request'),
          [],
        );
      });
    }
  });
});

/** The init of a container: the child of the libvirt_lxc that keeps it. */
async function initOf(name: string): Promise<number> {
  for (const pid of (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry))) {
    const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
    if (words[0]?.endsWith('libvirt_lxc') !== true || !words.includes(name)) continue;
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
    const [first = ''] = children.trim().split(' ');
    if (first !== '') return Number(first);
  }
  throw new Error(`${name} has no init yet`);
}

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { connect } from 'node:net';
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
import { arp, BROADCAST, datagram, ipv6, ping, readFrame, syn } from '#test/support/frames.ts';
import type { HeardFrame } from '#test/support/frames.ts';
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
  let machine: Place;

  before(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    const bed = await sharedBed();
    host = await sharedHost('lxc', 1);
    plan = planLxcHost(bed, 1);
    prober = await buildProber(bed);
    holder = (await runningIdentity(bed, plan.holder))?.pid ?? 0;
    machine = { pid: undefined, link: plan.rootLink };
    client = watch(host);
    attacker = await guest(220);
    victim = await guest(221);
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

  /** Sends frames from the attacker; returns what each of the places heard meanwhile, the attacker's own link first. */
  async function send(frames: readonly string[], ...listeners: readonly Place[]): Promise<readonly HeardFrame[][]> {
    const listening = await Promise.all(listeners.map((place) => probe(place, [])));
    const sending = await probe(linkOf(attacker), frames);
    return Promise.all([sending, ...listening].map(({ heard }) => heard));
  }

  /** A prober that listens by now. */
  async function probe(
    { pid, link }: Place,
    frames: readonly string[],
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

  const toGateway = () => ({ fromMac: attacker.mac, toMac: BRIDGE_MAC, from: attacker.address, to: host.gateway });
  const toVictim = (toMac: string) => ({ fromMac: attacker.mac, toMac, from: attacker.address, to: victim.address });
  const toMachine = () => ({ ...toGateway(), to: plan.network.rootAddress });

  describe('legitimately', () => {
    it('ARP for the gateway, and a ping to it, are answered', async () => {
      const [own = []] = await send([arp('request', { ...toGateway(), toMac: BROADCAST }), ping(toGateway())]);
      assert.ok(
        own.some(({ kind, from }) => kind === 'arp-reply' && from === host.gateway),
        'ARP',
      );
      assert.ok(
        own.some(({ kind, from }) => kind === 'icmp' && from === host.gateway),
        'ICMP',
      );
    });

    it("a ping and TCP to the controller's side are answered", async () => {
      const [own = []] = await send([ping(toMachine()), syn(toMachine(), 9)]);
      const from = plan.network.rootAddress;
      assert.ok(
        own.some((frame) => frame.kind === 'icmp' && frame.from === from),
        'ICMP',
      );
      assert.ok(
        own.some((frame) => frame.kind === 'tcp' && frame.from === from),
        'TCP',
      );
    });
  });

  describe('to another guest', () => {
    const tries = {
      'ARP, to all': () => arp('request', toVictim(BROADCAST)),
      'ARP, to its MAC': () => arp('request', toVictim(victim.mac)),
      'a ping, to its MAC': () => ping(toVictim(victim.mac)),
      'TCP, to its MAC': () => syn(toVictim(victim.mac), 8000),
      'a datagram, to all': () => datagram(toVictim(BROADCAST), 8000),
      'a ping, through the gateway': () => ping(toVictim(BRIDGE_MAC)),
      'TCP, through the gateway': () => syn(toVictim(BRIDGE_MAC), 8000),
      'IPv6, to all': () => ipv6(attacker.mac),
    } as const;
    for (const [what, frame] of Object.entries(tries)) {
      it(`${what}: does not get there`, async () => {
        const [own = [], other = []] = await send([frame()], linkOf(victim));
        assert.deepEqual(
          other.filter(({ fromMac, from }) => fromMac === attacker.mac || from === attacker.address),
          [],
        );
        assert.deepEqual(
          own.filter(({ from }) => from === victim.address),
          [],
        );
      });
    }
  });

  describe('under an address that is not its own', () => {
    const somewhere = '203.0.113.9';
    const tries = {
      "another guest's": () => ping({ ...toMachine(), from: victim.address }),
      "another guest's, and its MAC": () => ping({ ...toMachine(), from: victim.address, fromMac: victim.mac }),
      "its own, under another guest's MAC": () => ping({ ...toMachine(), fromMac: victim.mac }),
      'an address of the range that nobody has': () =>
        ping({ ...toMachine(), from: host.gateway.replace(/\d+$/, '250') }),
      "the gateway's": () => ping({ ...toMachine(), from: host.gateway }),
      "the machine's": () => ping({ ...toMachine(), from: plan.network.rootAddress }),
      'one from anywhere': () => ping({ ...toMachine(), from: somewhere }),
      "the gateway's MAC": () => ping({ ...toMachine(), fromMac: BRIDGE_MAC }),
    } as const;
    for (const [what, frame] of Object.entries(tries)) {
      it(`${what}: nothing leaves the host`, async () => {
        const [, outside = []] = await send([frame()], machine);
        assert.deepEqual(
          outside.filter(({ kind }) => kind === 'icmp'),
          [],
        );
      });
    }

    const claims = {
      "another guest's address": () => arp('reply', { ...toGateway(), from: victim.address }),
      "another guest's address, asking": () =>
        arp('request', { ...toGateway(), from: victim.address, toMac: BROADCAST }),
      "another guest's address, from its MAC": () =>
        arp('reply', { ...toGateway(), from: victim.address, fromMac: victim.mac }, attacker.mac),
      "another guest's address and MAC": () =>
        arp('reply', { ...toGateway(), from: victim.address, fromMac: victim.mac }),
    } as const;
    for (const [what, frame] of Object.entries(claims)) {
      it(`ARP that claims ${what}: the host still sends to its owner`, async () => {
        await send([frame()]);
        const inside = ['nsenter', `--target=${holder}`, '--net', '--'];
        const { stdout } = await run([...inside, 'ip', 'neigh', 'show', victim.address, 'dev', BRIDGE], {
          timeoutMs: 5_000,
        });
        assert.ok(!stdout.includes(attacker.mac), stdout);
        const listening = await Promise.all([attacker, victim].map((each) => probe(linkOf(each), [])));
        await reach(victim.address);
        const [own = [], victims = []] = await Promise.all(listening.map(({ heard }) => heard));
        assert.ok(
          victims.some(({ kind }) => kind === 'tcp'),
          'its owner hears it',
        );
        assert.deepEqual(
          own.filter(({ kind }) => kind === 'tcp'),
          [],
        );
      });
    }
  });

  describe('to the host', () => {
    const ports = [22, 80, 111, 16_509, 16_514];
    const targets = {
      gateway: () => host.gateway,
      'host on its uplink': () => plan.network.hostAddress,
      'management network': () => plan.network.managementCIDR.replace(/\d+\/\d+$/, '18'),
    } as const;
    for (const [what, target] of Object.entries(targets)) {
      it(`TCP and UDP to the ${what}: no answer, not even a refusal`, async () => {
        const ends = { ...toGateway(), to: target() };
        const [own = []] = await send([
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

/** Resolves when a guest refuses a connection: then it is there, and heard of it. */
async function reach(address: string): Promise<void> {
  const socket = connect({ host: address, port: 9, signal: AbortSignal.timeout(2_000) });
  try {
    await assert.rejects(once(socket, 'connect'), { code: 'ECONNREFUSED' });
  } finally {
    socket.destroy();
  }
}

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

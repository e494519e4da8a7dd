import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';

import { macOf } from '#controller/domain/identity.ts';
import { connect } from '#controller/libvirt/index.ts';
import type { Hypervisor } from '#controller/libvirt/index.ts';
import { run } from '#hack/bed/run.ts';
import { buildHatchling, makeInitrd } from '#hack/guests/hatchling.ts';
import { buildProber } from '#hack/guests/prober.ts';
import { buildXenImage } from '#hack/hosts/xen/image.ts';
import type { XenHost } from '#hack/hosts/xen/index.ts';
import { enterArgv } from '#hack/hosts/xen/network.ts';
import { BRIDGE, GUEST_TAP, planXenHost } from '#hack/hosts/xen/plan.ts';
import type { XenPlan } from '#hack/hosts/xen/plan.ts';
import { sharedBed, sharedHost, STARTUP_TIMEOUT_MS, XEN_TEST_TIMEOUT_MS } from '#test/support/bed.ts';
import { eventually } from '#test/support/eventually.ts';
import { arp, BROADCAST, datagram, ping, readFrame, syn } from '#test/support/frames.ts';
import type { HeardFrame } from '#test/support/frames.ts';
import { attackerTo, describeIsolation, reach } from '#test/support/isolation.ts';
import type { Heard, IsolationRig, Station } from '#test/support/isolation.ts';
import { readPki } from '../integration/lifecycle/stage-hosts.ts';
import { domainText, guestAddress, hatchling } from './virsh.ts';

const LONG = 240_000;
const BOOT = 400_000;
const SOON = 60_000;
const INITRD = 'prober-initrd';
const FOLDER = '/run/hatchery/prober';
/** Last octets of addresses. */
const [ATTACKER, VICTIM, GONE, UNUSED, DOM0] = [220, 221, 222, 250, 251];

interface Guest extends Station {
  /** Its console, in dom0. */
  readonly console: string;
  /** What its prober said there, in a file of dom0. */
  readonly said: string;
}

/** How many lines the attacker, the victim and the prober on this machine had said. */
type Mark = readonly [number, number, number];

describe('what a guest on Xen can send', function () {
  this.timeout(XEN_TEST_TIMEOUT_MS);
  this.slow(60_000);
  let host: XenHost;
  let plan: XenPlan;
  let client: Hypervisor;
  let onMachine: ChildProcess | undefined;
  const machineSaid: string[] = [];
  let rig: IsolationRig;
  const created: string[] = [];

  before(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    const bed = await sharedBed();
    host = await sharedHost('xen', 1);
    plan = planXenHost(bed, 1);
    client = connect({
      uri: host.uri,
      keepAlive: { intervalMs: 60_000, misses: 10 },
      ...(host.tls === undefined ? {} : { tls: await readPki(host.tls) }),
    });
    await client.connected(LONG);
    const prober = await buildProber(bed);
    await uploadInitrd(prober);
    const [attacker, victim] = await Promise.all([guest(ATTACKER), guest(VICTIM)]);
    const argv = [...enterArgv(plan), 'ip', '-o', 'link', 'show', 'dev', GUEST_TAP];
    const mac = /link\/ether (\S+)/.exec((await run(argv, { timeoutMs: 5_000 })).stdout)?.[1] ?? '';
    await listenOn(plan.rootLink, prober);
    rig = makeRig(attacker, victim, { address: host.gateway, mac });
  });
  after(async () => {
    onMachine?.kill();
    for (const name of created) await client.destroy(await client.lookupByName(name));
    await client.close();
    await host.dom0(`rm -r ${FOLDER} ${host.imageDirectory}/${INITRD}`);
  });

  /** The hatchling's initrd with the prober; by a pool of the test's own, since it needs no controller. */
  async function uploadInitrd(prober: string): Promise<void> {
    const bed = await sharedBed();
    const [{ netfront }, { executable }] = [await buildXenImage(bed), await buildHatchling(bed)];
    const content = makeInitrd({
      init: await readFile(executable),
      netfront: await readFile(netfront),
      prober: await readFile(prober),
    });
    await host.dom0(`mkdir -p ${FOLDER}`);
    const pool = await client.poolCreateXml(
      `<pool type='dir'><name>prober</name><target><path>${FOLDER}</path></target></pool>`,
    );
    const xml = `<volume><name>${INITRD}</name><capacity>${content.length}</capacity></volume>`;
    await client.volUpload(await client.volCreateXml(pool, xml), content);
    await client.poolDestroy(pool);
    await inDom0(`mv ${FOLDER}/${INITRD} ${host.imageDirectory}`);
  }

  async function guest(octet: number): Promise<Guest> {
    const name = `prober-${octet}`;
    const address = guestAddress(host, octet);
    const xml = domainText(host, { ...hatchling(host, name, '-mode probe', octet), initrd: INITRD });
    const { id } = await client.createXml(xml);
    created.push(name);
    const said = `${FOLDER}/${name}`;
    const console = (await inDom0(`xenstore-read /local/domain/${id}/console/tty`)).trim();
    await host.dom0(`setsid cat ${console} >${said} 2>/dev/null </dev/null &`);
    const isReady = async (): Promise<void> => assert.equal((await host.dom0(`grep -q ^ready ${said}`)).status, 0);
    await eventually(isReady, { timeoutMs: BOOT, intervalMs: 200 });
    return { mac: macOf(address), address, console, said };
  }

  /** A prober on a link of this machine. */
  async function listenOn(link: string, prober: string): Promise<void> {
    const child = spawn(prober, [link], { stdio: ['pipe', 'pipe', 'inherit'] });
    onMachine = child;
    const reader = createInterface({ input: child.stdout });
    reader.on('line', (line) => void machineSaid.push(line));
    await once(reader, 'line');
  }

  async function inDom0(command: string): Promise<string> {
    const { status, output } = await host.dom0(command);
    assert.equal(status, 0, output);
    return output;
  }

  /** Sends frames from the attacker; returns what had been said before. */
  async function sendFrom(attacker: Guest, victim: Guest, frames: readonly string[]): Promise<Mark> {
    const outside = machineSaid.length;
    const send = frames.length === 0 ? '' : `; printf '%s\\n' ${frames.join(' ')} >${attacker.console}`;
    const counted = await inDom0(`wc -l <${attacker.said}; wc -l <${victim.said}${send}`);
    const [own = 0, others = 0] = counted.trim().split('\n').map(Number);
    return [own, others, outside];
  }

  async function saidSince([own, others, outside]: Mark, attacker: Guest, victim: Guest): Promise<Heard> {
    const after = (lines: number, { said }: Guest): string => `tail -n +${lines + 1} ${said}`;
    const output = await inDom0(`${after(own, attacker)}; printf '\\n--\\n'; ${after(others, victim)}`);
    const [mine = '', its = ''] = output.split('\n--\n');
    return {
      attacker: framesOf(mine.split(/\r?\n/)),
      victim: framesOf(its.split(/\r?\n/)),
      machine: framesOf(machineSaid.slice(outside)),
    };
  }

  /**
   * Nothing here waits for a time. Each link carries frames in their order, so all has come that may once both guests
   * have heard one that was sent after it: the attacker the answer to a ping, the victim a connection.
   */
  async function heardSince(mark: Mark, attacker: Guest, victim: Guest): Promise<Heard> {
    const until = (there: (heard: Heard) => boolean): Promise<Heard> =>
      eventually(
        async () => {
          const heard = await saidSince(mark, attacker, victim);
          assert.ok(there(heard), `not all was heard yet: ${JSON.stringify(heard)}`);
          return heard;
        },
        { timeoutMs: SOON },
      );
    await until((heard) => heard.attacker.some(isFence));
    await reach(victim.address);
    const heard = await until((all) => all.victim.some(({ kind }) => kind === 'tcp'));
    return { ...heard, attacker: heard.attacker.filter((frame) => !isFence(frame)) };
  }

  const isFence = ({ kind, from }: HeardFrame): boolean => kind === 'icmp' && from === plan.network.hostAddress;
  const fence = (): string => ping(attackerTo(rig, plan.network.hostAddress));

  function makeRig(attacker: Guest, victim: Guest, router: Station): IsolationRig {
    const inNamespace = [...enterArgv(plan), 'ip', 'neigh', 'show', 'dev', GUEST_TAP];
    return {
      attacker,
      victim,
      router,
      machine: plan.network.rootAddress,
      uplink: plan.network.hostAddress,
      unused: guestAddress(host, UNUSED),
      send: async (frames) => heardSince(await sendFrom(attacker, victim, [...frames, fence()]), attacker, victim),
      during: async (act) => {
        const mark = await sendFrom(attacker, victim, []);
        await act();
        await sendFrom(attacker, victim, [fence()]);
        return heardSince(mark, attacker, victim);
      },
      neighbour: async (address) => (await run([...inNamespace, address], { timeoutMs: 5_000 })).stdout,
    };
  }

  describeIsolation(() => rig);

  describe('to dom0', () => {
    const ports = [22, 80, 111, 16_509, 16_514];
    let own: Station;

    // A box' dom0 only bridges; one that is its guests' gateway has an address there.
    before(async () => {
      const mac = (await inDom0(`cat /sys/class/net/${BRIDGE}/address`)).trim();
      own = { address: guestAddress(host, DOM0), mac };
      await onBridge('add', 0);
    });
    after(() => onBridge('del', 8));

    async function onBridge(what: 'add' | 'del', ignoreArp: number): Promise<void> {
      const ignore = `/proc/sys/net/ipv4/conf/${BRIDGE}/arp_ignore`;
      await inDom0(`echo ${ignoreArp} >${ignore} && ip addr ${what} ${own.address}/25 dev ${BRIDGE}`);
    }

    it('ARP and a ping to its address on the bridge are answered', async () => {
      const ends = attackerTo(rig, own.address, { toMac: own.mac });
      const { attacker } = await rig.send([arp('request', { ...ends, toMac: BROADCAST }), ping(ends)]);
      assert.deepEqual(
        attacker.filter(({ from }) => from === own.address).map(({ kind }) => kind),
        ['arp-reply', 'icmp'],
      );
    });

    const targets = {
      'its address on the bridge': () => ({ to: own.address, toMac: own.mac }),
      'its management address, over the bridge': () => ({ to: plan.managementAddress, toMac: own.mac }),
      'its management address, through the gateway': () => ({ to: plan.managementAddress, toMac: rig.router.mac }),
    } as const;
    for (const [what, target] of Object.entries(targets)) {
      it(`TCP and UDP to ${what}: no answer, not even a refusal`, async () => {
        const { to, toMac } = target();
        const ends = attackerTo(rig, to, { toMac });
        const { attacker } = await rig.send([
          ...ports.map((port) => syn(ends, port)),
          datagram(ends, 67),
          datagram(ends, 53),
        ]);
        assert.deepEqual(
          attacker.filter(({ from, kind }) => from === to && kind !== 'arp-request'),
          [],
        );
      });
    }
  });

  describe('the vif script', () => {
    it('takes back what it pinned as the interface goes', async () => {
      const gone = await guest(GONE);
      const pinned = async (): Promise<string> =>
        (await host.dom0('nft list table bridge hatchery; cat /run/hatchery-guests/*')).output;
      assert.match(await pinned(), new RegExp(`${gone.mac} \\. ${gone.address}`));
      await client.destroy(await client.lookupByName(created.pop() ?? ''));
      assert.ok(!(await pinned()).includes(gone.address));
    });

    it('attaches nothing where the filter is not loaded', async () => {
      await host.dom0('nft delete table inet hatchery');
      try {
        const text = domainText(host, { ...hatchling(host, 'unpinned', '-mode hello', GONE), ends: 'destroy' });
        await assert.rejects(client.createXml(text));
      } finally {
        await host.dom0(`nft delete table bridge hatchery; nft -f /etc/hatchery/guests.nft`);
      }
      const { output } = await host.dom0('grep -h cannot.be.pinned /var/log/libvirt/libxl/*.log');
      assert.match(output, /vif\d+\.0: cannot be pinned to [0-9a-f:]+ and [0-9.]+: is guests\.nft loaded\?/);
    });

    it('attaches nothing that was not given one address', async () => {
      const text = domainText(host, { ...hatchling(host, 'no-address', '-mode hello', GONE), ends: 'destroy' });
      await assert.rejects(client.createXml(text.replace(/<ip .*>/, '')));
      const { output } = await host.dom0('cat /var/log/libvirt/libxl/*.log');
      assert.match(output, /vif\d+\.0: bridge, MAC and IP address must be given/);
    });
  });
});

function framesOf(lines: readonly string[]): readonly HeardFrame[] {
  return lines.filter((line) => /^(?:[0-9a-f]{2}){14,}$/.test(line)).map(readFrame);
}

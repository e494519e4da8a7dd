import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';

import { eventually } from './eventually.ts';
import { arp, BROADCAST, datagram, ipv6, ping, syn, tagged, toBridge } from './frames.ts';
import type { Ends, HeardFrame } from './frames.ts';

/** Addresses of a guest, or of the router. */
export interface Station {
  readonly mac: string;
  readonly address: string;
}

/** What came in meanwhile, by place. */
export interface Heard {
  readonly attacker: readonly HeardFrame[];
  readonly victim: readonly HeardFrame[];
  /** On the machine's own end of the link to the host: what has left for the controller's side. */
  readonly machine: readonly HeardFrame[];
}

/** Two guests of one host, whose frames a test chooses and hears. */
export interface IsolationRig {
  readonly attacker: Station;
  readonly victim: Station;
  /** The guests' gateway: the host itself, or what is behind its bridge. */
  readonly router: Station;
  /** Address on the controller's side. */
  readonly machine: string;
  /** The host's own on the link to there, of what it says itself: that the guest of an earlier test is gone, say. */
  readonly uplink: string;
  /** An address of the guests' range that nobody has. */
  readonly unused: string;
  /** Sends frames from the attacker; resolves when all that may come of it has come. */
  send(frames: readonly string[]): Promise<Heard>;
  /** What is heard while something is done. */
  during(act: () => Promise<void>): Promise<Heard>;
  /** What the router knows of an address: a line of `ip neigh`. */
  neighbour(address: string): Promise<string>;
}

/** Declares the tests of what a guest can send, the same for every kind of host. `rig` is asked within the tests. */
export function describeIsolation(rig: () => IsolationRig): void {
  describe('legitimately', () => describeLegitimate(rig));
  describe('to another guest', () => describeReaching(rig));
  describe('under an address that is not its own', () => {
    describeSpoofing(rig);
    describeClaims(rig);
  });
}

/** From the attacker, to the router's MAC unless said. */
export function attackerTo(rig: IsolationRig, to: string, changes: Partial<Ends> = {}): Ends {
  return { fromMac: rig.attacker.mac, toMac: rig.router.mac, from: rig.attacker.address, to, ...changes };
}

/**
 * Resolves when a guest refuses a connection: then it is there, and heard of it. Tried again, since a router may give up
 * on ARP (after 60 ms on the way to a box' guests) before an emulated guest has answered.
 */
export function reach(address: string): Promise<void> {
  return eventually(async () => {
    const socket = connect({ host: address, port: 9, signal: AbortSignal.timeout(5_000) });
    try {
      await assert.rejects(once(socket, 'connect'), { code: 'ECONNREFUSED' });
    } finally {
      socket.destroy();
    }
  });
}

function assertHeard(frames: readonly HeardFrame[], kind: HeardFrame['kind'], from: string): void {
  assert.ok(
    frames.some((frame) => frame.kind === kind && frame.from === from),
    `no ${kind} from ${from}`,
  );
}

function describeLegitimate(rig: () => IsolationRig): void {
  it('ARP for the gateway, and a ping to it, are answered', async () => {
    const { router } = rig();
    const toRouter = attackerTo(rig(), router.address);
    const { attacker } = await rig().send([arp('request', { ...toRouter, toMac: BROADCAST }), ping(toRouter)]);
    assertHeard(attacker, 'arp-reply', router.address);
    assertHeard(attacker, 'icmp', router.address);
  });

  it("a ping and TCP to the controller's side are answered", async () => {
    const { machine } = rig();
    const toMachine = attackerTo(rig(), machine);
    const { attacker } = await rig().send([ping(toMachine), syn(toMachine, 9)]);
    assertHeard(attacker, 'icmp', machine);
    assertHeard(attacker, 'tcp', machine);
  });
}

function describeReaching(rig: () => IsolationRig): void {
  const to = (toMac: string): Ends => attackerTo(rig(), rig().victim.address, { toMac });
  const tries = {
    'ARP, to all': () => arp('request', to(BROADCAST)),
    'ARP, to its MAC': () => arp('request', to(rig().victim.mac)),
    'a ping, to its MAC': () => ping(to(rig().victim.mac)),
    'TCP, to its MAC': () => syn(to(rig().victim.mac), 8000),
    'a datagram, to all': () => datagram(to(BROADCAST), 8000),
    'a ping, through the gateway': () => ping(to(rig().router.mac)),
    'TCP, through the gateway': () => syn(to(rig().router.mac), 8000),
    'IPv6, to all': () => ipv6(rig().attacker.mac),
  } as const;
  for (const [what, frame] of Object.entries(tries)) {
    it(`${what}: does not get there`, async () => {
      const { attacker, victim } = rig();
      const heard = await rig().send([frame()]);
      assert.deepEqual(
        heard.victim.filter(({ fromMac, from }) => fromMac === attacker.mac || from === attacker.address),
        [],
      );
      assert.deepEqual(
        heard.attacker.filter(({ from }) => from === victim.address),
        [],
      );
    });
  }
}

function describeSpoofing(rig: () => IsolationRig): void {
  const under = (changes: Partial<Ends>): string => ping(attackerTo(rig(), rig().machine, changes));
  const tries = {
    "another guest's": () => under({ from: rig().victim.address }),
    "another guest's, and its MAC": () => under({ from: rig().victim.address, fromMac: rig().victim.mac }),
    "its own, under another guest's MAC": () => under({ fromMac: rig().victim.mac }),
    "another guest's, behind a priority tag": () => tagged(under({ from: rig().victim.address })),
    'an address of the range that nobody has': () => under({ from: rig().unused }),
    "the gateway's": () => under({ from: rig().router.address }),
    "the machine's": () => under({ from: rig().machine }),
    'one from anywhere': () => under({ from: '203.0.113.9' }),
    "the gateway's MAC": () => under({ fromMac: rig().router.mac }),
  } as const;
  for (const [what, frame] of Object.entries(tries)) {
    it(`${what}: nothing leaves the host`, async () => {
      const { machine } = await rig().send([frame()]);
      assert.deepEqual(
        machine.filter(({ kind, from }) => kind === 'icmp' && from !== rig().uplink),
        [],
      );
    });
  }
}

function describeClaims(rig: () => IsolationRig): void {
  const as = (changes: Partial<Ends>): Ends =>
    attackerTo(rig(), rig().router.address, { from: rig().victim.address, ...changes });
  const claims = {
    "ARP that claims another guest's address": () => arp('reply', as({})),
    "ARP that claims another guest's address, asking": () => arp('request', as({ toMac: BROADCAST })),
    "ARP that claims another guest's address, from its MAC": () =>
      arp('reply', as({ fromMac: rig().victim.mac }), rig().attacker.mac),
    "ARP that claims another guest's address and MAC": () => arp('reply', as({ fromMac: rig().victim.mac })),
    "a frame to the bridge itself from another guest's MAC": () => toBridge(rig().victim.mac),
  } as const;
  for (const [what, frame] of Object.entries(claims)) {
    it(`${what}: the host still sends to its owner`, async () => {
      const { attacker, victim } = rig();
      await rig().send([frame()]);
      const known = await rig().neighbour(victim.address);
      assert.ok(!known.includes(attacker.mac), known);
      const heard = await rig().during(() => reach(victim.address));
      assert.ok(
        heard.victim.some(({ kind }) => kind === 'tcp'),
        'its owner hears it',
      );
      // What is still sent to guests of earlier tests, which are gone, is flooded.
      assert.deepEqual(
        heard.attacker.filter(({ kind, to }) => kind === 'tcp' && to === victim.address),
        [],
      );
    });
  }
}

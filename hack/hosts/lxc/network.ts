import { CommandError, run } from '../../bed/run.ts';
import { BRIDGE, BRIDGE_MAC, UPLINK } from './plan.ts';
import type { LxcPlan } from './plan.ts';

const TIMEOUT_MS = 20_000;

/** Milliseconds between two ARP requests of the host for a guest whose interface is not yet up; the kernel's own: 1 s. */
const NEIGHBOUR_RETRY_MS = 20;

const BRIDGE_OPTIONS = 'stp_state 0 forward_delay 0 mcast_snooping 0 no_linklocal_learn 1';

/** Links the host's namespace to the machine's and makes the guests' bridge. `holder` is a process in the namespace. */
export async function makeNetwork(plan: LxcPlan, holder: number): Promise<void> {
  const inside = ['nsenter', `--target=${holder}`, '--net', '--'];
  await run(['ip', '-batch', '-'], { timeoutMs: TIMEOUT_MS, input: lines(machineSide(plan, holder)) });
  await run([...inside, 'ip', '-batch', '-'], { timeoutMs: TIMEOUT_MS, input: lines(hostSide(plan)) });
  const setting = `/proc/sys/net/ipv4/neigh/${BRIDGE}/retrans_time_ms`;
  await run([...inside, 'tee', setting], { timeoutMs: TIMEOUT_MS, input: `${NEIGHBOUR_RETRY_MS}\n` });
  await run([...inside, 'nft', '-f', '-'], { timeoutMs: TIMEOUT_MS, input: guestFilter(plan) });
}

/** Takes the machine's side away; what is in the namespace goes with it. Idempotent. */
export async function removeNetwork(plan: LxcPlan): Promise<void> {
  await unlessAbsent(['ip', 'link', 'delete', 'dev', plan.rootLink]);
  await unlessAbsent(['ip', 'route', 'delete', 'unreachable', plan.network.prefix]);
}

/** The unreachable route comes first: no packet for a host or guest that is gone may ever leave the machine. */
function machineSide(plan: LxcPlan, holder: number): readonly string[] {
  const { prefix, rootAddress, hostAddress, domainCIDR } = plan.network;
  return [
    `route replace unreachable ${prefix}`,
    `link add name ${plan.rootLink} type veth peer name ${UPLINK} netns ${holder}`,
    `address add ${rootAddress}/30 dev ${plan.rootLink}`,
    `link set dev ${plan.rootLink} up`,
    `route replace ${domainCIDR} via ${hostAddress}`,
  ];
}

function hostSide(plan: LxcPlan): readonly string[] {
  const { hostAddress, gateway } = plan.network;
  return [
    'link set dev lo up',
    `address add ${hostAddress}/30 dev ${UPLINK}`,
    `link set dev ${UPLINK} up`,
    // Frames to the bridge itself come past the filter: from one, it would learn another guest's MAC.
    `link add name ${BRIDGE} address ${BRIDGE_MAC} type bridge ${BRIDGE_OPTIONS}`,
    `address add ${gateway}/25 dev ${BRIDGE}`,
    `link set dev ${BRIDGE} up`,
    'route add unreachable default',
  ];
}

/**
 * What guests may send: IPv4 and ARP under the MAC and IPv4 address that their link was given, which libvirt's hook
 * (guest-hook) adds as it starts a domain; nothing else, so that no guest can pass for another. The host itself answers
 * them ARP and ICMP alone, and nothing where their link is on no bridge. That they do not reach each other is the port isolation of their interfaces.
 */
export function guestFilter({ network }: LxcPlan): string {
  return `
table inet hatchery {
  chain input {
    type filter hook input priority 0; policy accept;
    iifname ${BRIDGE} meta l4proto icmp accept
    iifname ${BRIDGE} drop
    iifname "vnet*" drop
  }
  chain forward {
    type filter hook forward priority 0; policy drop;
    iifname ${BRIDGE} oifname ${UPLINK} accept
    iifname ${UPLINK} oifname ${BRIDGE} accept
  }
}
table bridge hatchery {
  set guests {
    type ifname . ether_addr . ipv4_addr
  }
  chain from_guests {
    type filter hook prerouting priority 0; policy drop;
    ip daddr ${network.managementCIDR} drop
    ether type arp iifname . ether saddr . arp saddr ip @guests iifname . arp saddr ether . arp saddr ip @guests accept
    ether type ip iifname . ether saddr . ip saddr @guests accept
  }
}
`;
}

async function unlessAbsent(argv: readonly string[]): Promise<void> {
  try {
    await run(argv, { timeoutMs: TIMEOUT_MS });
  } catch (error) {
    // Status 1: no such link; 2: no such route.
    if (!(error instanceof CommandError) || error.failure.kind !== 'exit') throw error;
    if (await isThere(argv)) throw error;
  }
}

/** Whether what a failed `delete` names exists, so that its failure means something. */
async function isThere(argv: readonly string[]): Promise<boolean> {
  const [, object, , ...what] = argv;
  try {
    const { stdout } = await run(['ip', String(object), 'show', ...what], { timeoutMs: TIMEOUT_MS });
    return stdout.trim() !== '';
  } catch (error) {
    if (error instanceof CommandError && error.failure.kind === 'exit') return false;
    throw error;
  }
}

function lines(commands: readonly string[]): string {
  return `${commands.join('\n')}\n`;
}

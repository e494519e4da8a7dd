import { access } from 'node:fs/promises';
import { run } from '../../bed/run.ts';
import { GUEST_TAP, MANAGEMENT_TAP, prefixLength, UPLINK } from './plan.ts';
import type { XenPlan } from './plan.ts';

const COMMAND = { timeoutMs: 10_000 };

/**
 * Makes the namespace that a box' QEMU runs in, with a link to the machine and two taps, and routes in both. The
 * namespace routes between the link, the management network and the guests; guests do not reach management. It has no
 * default route and the machine has an `unreachable` one for what is not there, so nothing strays off the machine.
 */
export async function createNetwork(plan: XenPlan, tapOwner: number): Promise<void> {
  const { namespace, network } = plan;
  await run(['ip', 'route', 'replace', 'unreachable', network.prefix], COMMAND);
  await run(['ip', 'netns', 'add', namespace], COMMAND);
  await run(['ip', 'link', 'add', plan.rootLink, 'type', 'veth', 'peer', 'name', UPLINK, 'netns', namespace], COMMAND);
  await enter(plan, ['sh', '-ec', SYSCTLS]);
  await enter(plan, ['ip', '-batch', '-'], insideCommands(plan, tapOwner));
  await enter(plan, ['sh', '-ec', GUEST_SYSCTLS]);
  await run(['ip', '-batch', '-'], { ...COMMAND, input: outsideCommands(plan) });
}

/** Takes all of it away; what is not there is no error. */
export async function removeNetwork(plan: XenPlan): Promise<void> {
  // The link first: it goes at once, with its routes, while a namespace goes when the kernel gets to it.
  await removeIfThere(`/sys/class/net/${plan.rootLink}`, ['ip', 'link', 'delete', plan.rootLink]);
  await removeIfThere(`/run/netns/${plan.namespace}`, ['ip', 'netns', 'delete', plan.namespace]);
  const { stdout } = await run(['ip', 'route', 'show', 'type', 'unreachable', plan.network.prefix], COMMAND);
  if (stdout.trim() !== '') await run(['ip', 'route', 'delete', 'unreachable', plan.network.prefix], COMMAND);
}

/** Argv that runs a program in the box' namespace; not `ip netns exec`, which puts another /sys in the way. */
export function enterArgv(plan: XenPlan): readonly string[] {
  return ['nsenter', `--net=/run/netns/${plan.namespace}`, '--'];
}

const SYSCTLS = `
echo 1 >/proc/sys/net/ipv4/ip_forward
echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6
echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6
`;

/** A guest that is not there yet is asked for every 20 ms: with the usual second one would wait that long for it. */
const GUEST_SYSCTLS = `
echo 20 >/proc/sys/net/ipv4/neigh/${GUEST_TAP}/retrans_time_ms
echo 0 >/proc/sys/net/ipv4/conf/${GUEST_TAP}/send_redirects
`;

function insideCommands(plan: XenPlan, tapOwner: number): string {
  const { network } = plan;
  const bits = prefixLength(network.domainCIDR);
  return lines([
    'link set lo up',
    `addr add ${network.hostAddress}/30 dev ${UPLINK}`,
    `link set ${UPLINK} up`,
    `tuntap add dev ${MANAGEMENT_TAP} mode tap user ${tapOwner}`,
    `addr add ${plan.managementGateway}/${prefixLength(network.managementCIDR)} dev ${MANAGEMENT_TAP}`,
    `link set ${MANAGEMENT_TAP} up`,
    `tuntap add dev ${GUEST_TAP} mode tap user ${tapOwner}`,
    `addr add ${network.gateway}/${bits} dev ${GUEST_TAP}`,
    `link set ${GUEST_TAP} up`,
    `rule add iif ${GUEST_TAP} to ${network.managementCIDR} blackhole`,
  ]);
}

function outsideCommands(plan: XenPlan): string {
  const { network, rootLink } = plan;
  return lines([
    `addr add ${network.rootAddress}/30 dev ${rootLink}`,
    `link set ${rootLink} up`,
    `route add ${network.managementCIDR} via ${network.hostAddress} dev ${rootLink} src ${network.rootAddress}`,
    `route add ${network.domainCIDR} via ${network.hostAddress} dev ${rootLink} src ${network.rootAddress}`,
  ]);
}

function lines(commands: readonly string[]): string {
  return `${commands.join('\n')}\n`;
}

async function enter(plan: XenPlan, argv: readonly string[], input = ''): Promise<void> {
  await run([...enterArgv(plan), ...argv], { ...COMMAND, input });
}

async function removeIfThere(path: string, argv: readonly string[]): Promise<void> {
  try {
    await access(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  await run(argv, COMMAND);
}

import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bed } from '../../bed/bed.ts';
import { actsForAnother, giveToOwner, makeOwnedFolder, writeOwnedFile } from '../../bed/owner.ts';
import { isRunning, startProcess, stopProcess, waitFor, WaitError } from '../../bed/process.ts';
import { tail } from '../../bed/run.ts';
import { step } from '../../bed/step.ts';
import { buildHatchling, makeInitrd, packages as guestPackages } from '../../guests/hatchling.ts';
import type { DaemonControl, TestHost } from '../host.ts';
import { BootPanic, bootUntilSteady, panicOf } from './boot.ts';
import { runInDom0 } from './control.ts';
import type { Dom0Result } from './control.ts';
import { buildXenImage } from './image.ts';
import type { XenImage } from './image.ts';
import { createNetwork, enterArgv, removeNetwork } from './network.ts';
import { clientPkiFolder, ensureClientPki, issueServerCredentials } from './pki.ts';
import { BRIDGE, IMAGE_DIRECTORY, planXenHost, VIF_SCRIPT } from './plan.ts';
import type { XenPlan } from './plan.ts';
import { answersTls } from './probe.ts';
import { qemuArguments } from './qemu.ts';
import { seedFiles, writeSeed } from './seed.ts';

export type { Dom0Result } from './control.ts';

/** Debian packages that a machine needs for Xen hosts. */
export const packages: readonly string[] = [
  'e2fsprogs',
  'iproute2',
  'libvirt-clients',
  'mmdebstrap',
  'openssl',
  'qemu-system-x86',
  'qemu-utils',
  'seabios',
  'tar',
  'util-linux',
  'xz-utils',
  'zstd',
  ...guestPackages,
];

/** A Xen host in a box: Xen, a Debian dom0 and libvirtd under QEMU's emulation. */
export interface XenHost extends TestHost {
  readonly kind: 'xen';
  /**
   * Runs a line of shell in dom0 as root, one at a time; for tests. Not over the network: it works whatever became of
   * that. Rejects where dom0 does not answer.
   */
  dom0(command: string, options?: { readonly timeoutMs?: number }): Promise<Dom0Result>;
  /** What Xen and dom0 wrote on their console since the last start. */
  consoleLog(): Promise<string>;
}

/** Emulation on a machine that has other work can be ten times as slow as on an idle one. */
const BOOT_TIMEOUT_MS = 400_000;
const MOST_BOOTS = 3;
const DAEMON_TIMEOUT_MS = 180_000;
const DOM0_TIMEOUT_MS = 60_000;
const ANSWER_TIMEOUT_MS = 10_000;

/** Box number `n` (from 1) of a bed. */
export function createXenHost(bed: Bed, n: number): XenHost {
  const plan = planXenHost(bed, n);
  const dom0: XenHost['dom0'] = (command, options) =>
    runInDom0(plan.controlSocket, command, options?.timeoutMs ?? DOM0_TIMEOUT_MS);
  const answers = (): Promise<boolean> => answersTls(plan.managementAddress, clientPkiFolder(bed), ANSWER_TIMEOUT_MS);
  return {
    kind: 'xen',
    name: plan.name,
    uri: `xen+tls://${plan.managementAddress}/system`,
    address: plan.managementAddress,
    bridge: BRIDGE,
    domainCIDR: plan.network.domainCIDR,
    gateway: plan.network.gateway,
    imageDirectory: IMAGE_DIRECTORY,
    vifScript: VIF_SCRIPT,
    tls: { pkipath: clientPkiFolder(bed) },
    daemon: daemonControl(plan.name, dom0, answers),
    dom0,
    consoleLog: () => readFile(plan.consoleLog, 'utf8'),
    start: async () => {
      if ((await isRunning(bed, plan.name)) && (await answers())) return;
      await stopBox(bed, plan);
      const boot = (): Promise<void> => startBox(bed, plan, answers);
      await bootUntilSteady(MOST_BOOTS, boot, () => stopBox(bed, plan), console.log);
    },
    stop: () => stopBox(bed, plan),
    isRunning: () => isRunning(bed, plan.name),
  };
}

async function startBox(bed: Bed, plan: XenPlan, answers: () => Promise<boolean>): Promise<void> {
  const image = await buildXenImage(bed);
  await step(`Booting ${plan.name}: Xen, dom0 and libvirtd in QEMU`, async () => {
    const seed = await prepareSeed(bed, plan, image);
    await makeOwnedFolder(bed.owner, plan.runDir);
    await writeOwnedFile(bed.owner, plan.consoleLog, '');
    await createNetwork(plan, bed.owner.uid);
    await startProcess(bed, {
      name: plan.name,
      command: 'qemu-system-x86_64',
      args: [...qemuArguments(plan, image, seed), ...dropPrivileges(bed)],
      wrap: enterArgv(plan),
    });
    await waitForBoot(bed, plan, answers);
  });
}

/** QEMU opens its devices as root, since /dev/net/tun may be root's alone, and goes on as the checkout's owner. */
function dropPrivileges({ owner }: Bed): readonly string[] {
  return actsForAnother(owner) ? ['-runas', `${owner.uid}:${owner.gid}`] : [];
}

async function prepareSeed(bed: Bed, plan: XenPlan, image: XenImage): Promise<string> {
  await ensureClientPki(bed);
  await makeOwnedFolder(bed.owner, plan.dir);
  const credentials = await issueServerCredentials(bed, plan.name, plan.managementAddress);
  const conf = await readFile(join(import.meta.dirname, 'image', 'libvirtd.conf'), 'utf8');
  const { executable } = await buildHatchling(bed);
  const initrd = makeInitrd({
    init: await readFile(executable),
    netfront: await readFile(image.netfront),
    blkfront: await readFile(image.blkfront),
  });
  const seed = await writeSeed(plan.dir, seedFiles(plan, credentials, conf, initrd));
  await giveToOwner(bed.owner, plan.dir);
  return seed;
}

async function waitForBoot(bed: Bed, plan: XenPlan, answers: () => Promise<boolean>): Promise<void> {
  const process = { bed, name: plan.name };
  const hasBooted = async (): Promise<boolean> => {
    if (await answers()) return true;
    const panic = panicOf(await readFile(plan.consoleLog, 'utf8'));
    if (panic !== undefined) throw new BootPanic(`${plan.name}: ${panic}`);
    return false;
  };
  try {
    await waitFor(`${plan.name}: libvirtd answers`, hasBooted, { timeoutMs: BOOT_TIMEOUT_MS, process });
  } catch (error) {
    if (!(error instanceof WaitError)) throw error;
    const said = tail(await readFile(plan.consoleLog, 'utf8'), 15);
    throw new Error(`${error.message}\nend of ${plan.consoleLog}:\n${said}`, { cause: error });
  }
}

async function stopBox(bed: Bed, plan: XenPlan): Promise<void> {
  await stopProcess(bed, plan.name, { graceMs: 5000 });
  await removeNetwork(plan);
  await rm(plan.runDir, { recursive: true, force: true });
  await rm(plan.dir, { recursive: true, force: true });
}

function daemonControl(name: string, dom0: XenHost['dom0'], answers: () => Promise<boolean>): DaemonControl {
  const order = async (word: string): Promise<void> => {
    const { status, output } = await dom0(`/usr/lib/hatchery/daemon ${word}`);
    if (status !== 0) throw new Error(`${name}: daemon ${word}: status ${status}: ${output.trim()}`);
  };
  const start = async (): Promise<void> => {
    await order('start');
    await waitFor(`${name}: libvirtd answers again`, answers, { timeoutMs: DAEMON_TIMEOUT_MS, intervalMs: 50 });
  };
  return {
    kill: () => order('kill'),
    terminate: () => order('terminate'),
    start,
    restart: async () => {
      await order('terminate');
      await start();
    },
    pause: () => order('pause'),
    resume: () => order('resume'),
  };
}

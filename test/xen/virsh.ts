import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { macOf } from '#controller/domain/identity.ts';
import { CommandError, run } from '#hack/bed/run.ts';
import type { XenHost } from '#hack/hosts/xen/index.ts';

/** What virsh said, and its exit status; for errors that a test expects. */
export interface VirshResult {
  readonly status: number;
  readonly output: string;
}

/** virsh on a box: a client that is not ours, to be sure of what the box itself does. */
export function virshOn(host: XenHost): (...args: readonly string[]) => Promise<VirshResult> {
  const pkipath = host.tls?.pkipath ?? '';
  return async (...args) => {
    const argv = ['virsh', '--quiet', '--connect', `${host.uri}?pkipath=${pkipath}`, ...args];
    try {
      const { stdout } = await run(argv, { timeoutMs: 120_000, env: { LC_ALL: 'C' } });
      return { status: 0, output: stdout.trim() };
    } catch (error) {
      if (!(error instanceof CommandError) || error.failure.kind !== 'exit') throw error;
      return { status: error.failure.code, output: error.stderr.trim() };
    }
  };
}

/** What a test's domain is made of. */
export interface DomainText {
  readonly name: string;
  readonly type?: 'xenpv' | 'xenpvh';
  readonly memoryMiB?: number;
  readonly kernel: string;
  readonly initrd?: string;
  readonly cmdline?: string;
  /** Last octet of the guest's address; without one it has no interface. */
  readonly octet?: number;
  readonly bridge?: string;
  readonly script?: string;
  readonly ends?: 'preserve' | 'destroy';
}

/** XML of a domain as the controller makes it, so far as a box is concerned. */
export function domainText(host: XenHost, domain: DomainText): string {
  const file = (element: string, name: string | undefined): string =>
    name === undefined ? '' : `<${element}>${host.imageDirectory}/${name}</${element}>`;
  const ends = domain.ends ?? 'preserve';
  const card =
    domain.octet === undefined
      ? ''
      : `<interface type='bridge'>
          <mac address='${macOf(guestAddress(host, domain.octet))}'/>
          <source bridge='${domain.bridge ?? host.bridge ?? ''}'/>
          <ip address='${guestAddress(host, domain.octet)}'/>
          <script path='${domain.script ?? host.vifScript ?? ''}'/>
        </interface>`;
  return `<domain type='xen'>
    <name>${domain.name}</name>
    <memory unit='MiB'>${domain.memoryMiB ?? 96}</memory>
    <vcpu>1</vcpu>
    <os>
      <type arch='x86_64' machine='${domain.type ?? 'xenpv'}'>linux</type>
      ${file('kernel', domain.kernel)}${file('initrd', domain.initrd)}
      <cmdline>${domain.cmdline ?? ''}</cmdline>
    </os>
    <on_poweroff>${ends}</on_poweroff><on_reboot>${ends}</on_reboot><on_crash>${ends}</on_crash>
    <devices>${card}<console type='pty'><target type='xen'/></console></devices>
  </domain>`;
}

/** A hatchling in the given mode; with an address it gets its network words too. */
export function hatchling(host: XenHost, name: string, words: string, octet?: number): DomainText {
  const boot = 'console=hvc0 quiet mitigations=off audit=0 apparmor=0 random.trust_cpu=on';
  const net =
    octet === undefined
      ? ''
      : ` -ipaddr ${guestAddress(host, octet)} -netmask 255.255.255.128 -gateway ${host.gateway}`;
  const cmdline = `${boot} ${words}${net}`;
  const domain = { name, kernel: 'hatchling', initrd: 'hatchling-initrd', cmdline };
  return octet === undefined ? domain : { ...domain, octet };
}

/** An address of the host's range by its last octet. */
export function guestAddress(host: XenHost, octet: number): string {
  return host.domainCIDR.replace(/\.\d+\/\d+$/, `.${octet}`);
}

/** Hands content to a callback as a file. */
export async function withFile<T>(content: string | Buffer, use: (path: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'hatchery-xen-'));
  try {
    const path = join(folder, 'content');
    await writeFile(path, content);
    return await use(path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

import { waitFor } from '../bed/process.ts';
import type { WaitOptions } from '../bed/process.ts';
import type { Progress } from '../bed/step.ts';
import type { Kubectl } from '../cluster/kubectl.ts';
import type { TestHost } from '../hosts/host.ts';

/** As much of a DomainHost as the test bed looks at. */
export interface DomainHostView {
  readonly metadata: { readonly name: string; readonly generation?: number };
  readonly spec: { readonly vifScript?: string };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly conditions?: readonly ConditionView[];
    readonly hypervisor?: { readonly type?: string; readonly version?: string; readonly libvirtVersion?: string };
  };
}

/** A condition of a Kubernetes object. */
export interface ConditionView {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
}

/** Emulated Xen needs seconds where hardware needs a tenth. */
const READY_TIMEOUT_MS = 120_000;

/** All DomainHosts that there are. */
export async function listDomainHosts(kubectl: Kubectl): Promise<readonly DomainHostView[]> {
  const list = JSON.parse(await kubectl(['get', 'domainhosts', '-o', 'json'])) as { readonly items: DomainHostView[] };
  return list.items;
}

/** Why a DomainHost is not Ready, in words; undefined where it is. */
export function notReadyReason(host: DomainHostView | undefined): string | undefined {
  if (host === undefined) return 'no DomainHost yet';
  const ready = host.status?.conditions?.find(({ type }) => type === 'Ready');
  if (ready === undefined) return 'not looked at yet';
  if (ready.status !== 'True') {
    return `${ready.reason ?? 'NotReady'}${ready.message === undefined ? '' : `: ${ready.message}`}`;
  }
  const { generation } = host.metadata;
  const observed = host.status?.observedGeneration;
  return generation !== undefined && observed !== undefined && observed < generation ? 'spec has changed' : undefined;
}

/** Tells the DomainHosts of Xen hosts which hotplug script to use: no annotation says that. */
export async function patchVifScripts(kubectl: Kubectl, hosts: readonly TestHost[]): Promise<void> {
  for (const { name, vifScript } of hosts) {
    if (vifScript === undefined) continue;
    await waitFor(`the controller makes DomainHost ${name}`, () => kubectl.answers(['get', 'domainhost', name]), {
      timeoutMs: 30_000,
      intervalMs: 300,
    });
    await kubectl(['patch', 'domainhost', name, '--type=merge', '-p', JSON.stringify({ spec: { vifScript } })]);
  }
}

/**
 * Waits until all these DomainHosts are Ready; says meanwhile, and when time is up, what keeps each from it. Where the
 * controller's process is named, its end is the end of waiting.
 */
export async function waitUntilHostsReady(
  kubectl: Kubectl,
  hosts: readonly TestHost[],
  progress: Progress,
  controller?: WaitOptions['process'],
): Promise<void> {
  let reasons: readonly string[] = [];
  const ready = async (): Promise<boolean> => {
    const found = new Map((await listDomainHosts(kubectl)).map((host) => [host.metadata.name, host]));
    reasons = hosts.flatMap(({ name }) => {
      const reason = notReadyReason(found.get(name));
      return reason === undefined ? [] : [`${name}: ${reason}`];
    });
    progress(reasons.join('; '));
    return reasons.length === 0;
  };
  try {
    await waitFor('all DomainHosts are Ready', ready, {
      timeoutMs: READY_TIMEOUT_MS,
      intervalMs: 500,
      ...(controller === undefined ? {} : { process: controller }),
    });
  } catch (error) {
    if (reasons.length > 0 && error instanceof Error) error.message += ` (${reasons.join('; ')})`;
    throw error;
  }
}

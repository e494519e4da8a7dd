import { readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import type { TestHost } from '../hosts/host.ts';
import type { Kubectl } from './kubectl.ts';

const PREFIX = 'hatchery.dev';

/** A Node object for a host, as a kubelet in its dom0 would register it, annotated for --trust-node-annotations. */
export function nodeManifest(host: TestHost): object {
  const annotations: Record<string, string | undefined> = {
    [`${PREFIX}/libvirt-uri`]: host.uri,
    [`${PREFIX}/bridge`]: host.bridge,
    [`${PREFIX}/domain-cidr`]: host.domainCIDR,
    [`${PREFIX}/gateway`]: host.gateway,
    [`${PREFIX}/image-directory`]: host.imageDirectory,
  };
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: host.name,
      labels: {
        [`${PREFIX}/dom0`]: 'true',
        'kubernetes.io/hostname': host.name,
        'kubernetes.io/os': 'linux',
      },
      // JSON leaves out what is undefined.
      annotations,
    },
    status: nodeStatus(host),
  };
}

function nodeStatus(host: TestHost): object {
  return {
    addresses: [
      { type: 'InternalIP', address: host.address },
      { type: 'Hostname', address: host.name },
    ],
    nodeInfo: nodeInfo(),
    capacity: { cpu: String(cpus().length), memory: `${Math.floor(totalmem() / 1024)}Ki`, pods: '0' },
  };
}

/** Every field of nodeInfo is required; those that speak of a kubelet are empty, since there is none. */
function nodeInfo(): object {
  const osRelease = readFileSync('/etc/os-release', 'utf8');
  return {
    architecture: 'amd64',
    bootID: '',
    containerRuntimeVersion: '',
    kernelVersion: readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim(),
    kubeProxyVersion: '',
    kubeletVersion: '',
    machineID: '',
    operatingSystem: 'linux',
    osImage: /^PRETTY_NAME="?([^"\n]*)/m.exec(osRelease)?.[1] ?? '',
    systemUUID: '',
  };
}

/** Creates the Nodes of hosts, or brings them up to date. */
export async function registerNodes(kubectl: Kubectl, hosts: readonly TestHost[]): Promise<void> {
  if (hosts.length === 0) return;
  const list = { apiVersion: 'v1', kind: 'List', items: hosts.map(nodeManifest) };
  await kubectl(['apply', '-f', '-'], { input: JSON.stringify(list) });
  // A Node's status counts at its creation alone; where there was one, it takes a patch.
  for (const host of hosts) {
    const patch = JSON.stringify({ status: nodeStatus(host) });
    await kubectl(['patch', 'node', host.name, '--subresource=status', '--type=merge', '-p', patch]);
  }
}

/** Deletes Nodes; the API server's garbage collector takes the DomainHosts that they own. */
export async function deleteNodes(kubectl: Kubectl, names: readonly string[]): Promise<void> {
  if (names.length > 0) await kubectl(['delete', 'node', '--ignore-not-found', ...names]);
}

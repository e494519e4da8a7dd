// Made from crds/domainhosts.yaml by `node hack/generate/main.ts`: change that file, then run it again.
import type { ObjectMeta } from '../kube/types.ts';
import type { Condition } from './conditions.ts';

/**
 * A DomainHost is a dom0 host: how its libvirtd is reached, what its domains may take, and how it is. The
 * controller makes one for each Node labelled hatchery.dev/dom0=true, named as the Node and owned by it; from
 * then on its spec is the administrator's to edit.
 */
export interface DomainHost {
  /**
   * Version of this schema, hatchery.dev/v1alpha1.
   */
  readonly apiVersion?: string;
  /**
   * Always DomainHost.
   */
  readonly kind?: string;
  readonly metadata: ObjectMeta;
  readonly spec: DomainHostSpec;
  readonly status?: DomainHostStatus;
}
/**
 * How the host is reached and what its domains may take. All of it can be changed; a change counts for domains
 * that are placed after it. What makes no sense makes the host not Ready with reason InvalidSpec.
 */
export interface DomainHostSpec {
  /**
   * Where libvirtd is: xen+tls://HOST[:PORT]/system, or xen+unix:///system?socket=PATH on the very same machine.
   * For test beds also lxc and test in place of xen, and +tcp to loopback. Credentials come from the controller's
   * configuration, never from here. Made as xen+tls://<the Node's InternalIP>/system.
   */
  readonly uri: string;
  /**
   * Bridge of the host that domains are attached to, such as xenbr1. Without it they get no interface.
   */
  readonly bridge?: string;
  /**
   * IPv4 range that domains on this host get their addresses from, such as 198.18.4.128/25, a /16 to /29; no other
   * host may use it. Its network, broadcast and gateway addresses are never given out.
   */
  readonly domainCIDR?: string;
  /**
   * Address of domainCIDR that domains send through, such as 198.18.4.129: usually the bridge's own. The first
   * address of domainCIDR when not said.
   */
  readonly gateway?: string;
  /**
   * Script of dom0 that attaches a domain's interface on Xen, by its absolute path. Hatchery's own, vif-hatchery,
   * keeps guests apart and pins them to their MAC and address. Xen's vif-bridge when not said, which does neither
   * and is slow.
   */
  readonly vifScript?: string;
  /**
   * MTU of the domains' interfaces in bytes, 576 to 65535. The bridge's own when not said.
   */
  readonly mtu?: number;
  /**
   * Folder of the host, by its absolute path, whose files are the images that boot.kernel, boot.initrd and disks
   * name; scratch disks are made there too. The controller makes the libvirt pool hatchery over it.
   * /var/lib/hatchery/images when not said.
   */
  readonly imageDirectory?: string;
  /**
   * Most domains of Hatchery on this host at once. Limited by memory and addresses alone when not said. To place
   * none, cordon the Node.
   */
  readonly maxDomains?: number;
  /**
   * Most domains that are started at the same time. 4 when not said. At heart a host does one start after the
   * other: more of them together are hardly faster, and each takes longer. What is placed here beyond that waits
   * in line: the highest priority first, and of one priority namespaces take turns, and within each its templates.
   */
  readonly maxStarting?: number;
  /**
   * Memory of the host that domains never get, a quantity of bytes such as 512Mi: for dom0 itself. None when not
   * said.
   */
  readonly reservedMemory?: number | string;
  readonly allowedNamespaces?: NamespaceSelector;
}
/**
 * Which namespaces' EphemeralDomains are placed here, by the labels of their Namespaces: all of matchLabels and
 * matchExpressions must hold. Without it every namespace's are. What is here already stays. Example:
 * {matchLabels: {kubernetes.io/metadata.name: batch}}.
 */
export interface NamespaceSelector {
  /**
   * Labels that the Namespace must have, with these values. Example: {team: batch}.
   */
  readonly matchLabels?: Readonly<Record<string, string>>;
  /**
   * Requirements on the Namespace's labels, all of which must hold.
   */
  readonly matchExpressions?: readonly NamespaceSelectorRequirement[];
}
/**
 * One requirement on a label. Example: {key: zone, operator: In, values: [a, b]}.
 */
export interface NamespaceSelectorRequirement {
  /**
   * Name of the label.
   */
  readonly key: string;
  /**
   * How the label is compared: In (its value is one of values), NotIn (none of them, or no such label), Exists,
   * DoesNotExist.
   */
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  /**
   * Values for In and NotIn. Example: [ssd, nvme].
   */
  readonly values?: readonly string[];
}
/**
 * How the host is. Written by the controller only, at most once a second.
 */
export interface DomainHostStatus {
  /**
   * The metadata.generation that this status speaks of.
   */
  readonly observedGeneration?: number;
  /**
   * Ready (domains are placed here; else reason and message say why not), ManyOrphans (more domains without an
   * EphemeralDomain than are destroyed at once).
   */
  readonly conditions?: readonly Condition[];
  readonly hypervisor?: HypervisorStatus;
  readonly capacity?: HostCapacity;
  readonly allocated?: HostAllocated;
  /**
   * Addresses that are held back though no domain known to libvirt has them, at most 256 of them. message says
   * what to do.
   */
  readonly heldAddresses?: readonly HeldAddress[];
  /**
   * Domains of Hatchery that run.
   */
  readonly running?: number;
  /**
   * Domains of Hatchery that are being started.
   */
  readonly starting?: number;
  /**
   * Which boot of the host this is (UUID of the image pool hatchery).
   */
  readonly boot?: string;
  /**
   * Which run of libvirtd this is (host UUID of its capabilities); counts on hosts that are not Xen.
   */
  readonly daemon?: string;
}
/**
 * What runs the domains.
 */
export interface HypervisorStatus {
  /**
   * Kind of hypervisor as libvirt names it: Xen, LXC, TEST.
   */
  readonly type?: string;
  /**
   * Its version, such as 4.20.0.
   */
  readonly version?: string;
  /**
   * Version of libvirtd, such as 11.3.0.
   */
  readonly libvirtVersion?: string;
  /**
   * Types of domain (spec.domain.type) that it takes: what libvirt told at the last contact. hvm never stands here
   * for a Xen host, since libvirt does not tell whether dom0 has the emulator for it; hosts that are not Xen take
   * every type and run what they have.
   */
  readonly domainTypes?: readonly string[];
}
/**
 * What domains can have on this host in all.
 */
export interface HostCapacity {
  /**
   * Memory without reservedMemory, a quantity such as 3900Mi.
   */
  readonly memory?: string;
  /**
   * CPUs of the host. Domains share them; they do not limit placement.
   */
  readonly vcpus?: number;
  /**
   * Addresses of domainCIDR that can be given to domains.
   */
  readonly addresses?: number;
}
/**
 * What domains have on this host, of any cluster and by hand too, ended ones that are still there included.
 */
export interface HostAllocated {
  /**
   * Memory of the domains, a quantity such as 256Mi.
   */
  readonly memory?: string;
  /**
   * Number of domains.
   */
  readonly domains?: number;
  /**
   * Virtual CPUs of the domains.
   */
  readonly vcpus?: number;
  /**
   * Addresses of domainCIDR that are given out or held back.
   */
  readonly addresses?: number;
}
/**
 * One address that is held back.
 */
export interface HeldAddress {
  /**
   * The IPv4 address.
   */
  readonly address: string;
  /**
   * Why, in one CamelCase word for programs, such as HostStateUnknown.
   */
  readonly reason?: string;
  /**
   * Why, and what to run in dom0, in a sentence for people.
   */
  readonly message?: string;
  /**
   * When it can be used again by itself; never where absent.
   */
  readonly until?: string;
}

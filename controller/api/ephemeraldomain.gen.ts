// Made from crds/ephemeraldomains.yaml by `node hack/generate/main.ts`: change that file, then run it again.
import type { ObjectMeta } from '../kube/types.ts';
import type { Condition } from './conditions.ts';

/**
 * An EphemeralDomain is one Xen domain that is started once, does its work and shuts itself down. Hatchery
 * places it on a dom0 host, starts it there through libvirt, follows it, and marks it Complete when it has shut
 * down. Wait for the end with: kubectl wait --for=condition=Complete edom/NAME. Deleting it destroys its domain
 * at once, without a grace period.
 */
export interface EphemeralDomain {
  /**
   * Version of this schema, hatchery.dev/v1alpha1.
   */
  readonly apiVersion?: string;
  /**
   * Always EphemeralDomain.
   */
  readonly kind?: string;
  readonly metadata: ObjectMeta;
  readonly spec: EphemeralDomainSpec;
  readonly status?: EphemeralDomainStatus;
}
/**
 * What to run, and how long and how often. domain, hostSelector and backoffLimit cannot be changed;
 * activeDeadlineSeconds and ttlSecondsAfterFinished can, until the domain has finished.
 */
export interface EphemeralDomainSpec {
  readonly domain: DomainSpec;
  readonly hostSelector?: LabelSelector;
  /**
   * Seconds from status.startTime after which the domain is destroyed and the EphemeralDomain is Failed with
   * reason DeadlineExceeded, counted over all attempts, as in a Job. None by default. Can be changed until the
   * domain has finished.
   */
  readonly activeDeadlineSeconds?: number;
  /**
   * How many times a failed attempt is followed by another, each a new domain, perhaps on another host. 0 (what
   * holds when it is not said) means that the domain is started at most once. Immutable.
   */
  readonly backoffLimit?: number;
  /**
   * Seconds after its end until the EphemeralDomain is deleted; 0 deletes it at once. Never by default. Can be
   * changed until the domain has finished.
   */
  readonly ttlSecondsAfterFinished?: number;
}
/**
 * The domain to run: required, and immutable as a whole. It gets one network interface on the host's guest
 * bridge, with an address of the host's domainCIDR.
 */
export interface DomainSpec {
  /**
   * Kind of Xen guest: pv (paravirtualised; the default) or pvh (paravirtualised devices in hardware
   * virtualisation). Hosts that are not Xen run what they have (LXC a container).
   */
  readonly type: 'pv' | 'pvh';
  /**
   * Memory of the domain, a quantity of bytes from 1Mi to 16Ti: 64Mi, 1Gi, 1500M. Required. The host must have it
   * free, and the guest sees all of it from its start. The unit counts: 64 means 64 bytes.
   */
  readonly memory: number | string;
  /**
   * Number of virtual CPUs, 1 to 512. Default 1. More than the host has is allowed: they share.
   */
  readonly vcpus: number;
  readonly boot: BootSpec;
  readonly console?: ConsoleSpec;
}
/**
 * What the domain boots. Files are named as volumes of the host's image pool, which lies over the DomainHost's
 * imageDirectory; a volume that the host does not have ends the attempt as Failed with reason ImageNotFound.
 */
export interface BootSpec {
  /**
   * Name of the volume to boot: a file of the host's image directory, without a slash, such as hatchling.
   * Required. A Xen host wants a kernel there (an uncompressed ELF starts fastest), an LXC host a static
   * executable.
   */
  readonly kernel: string;
  /**
   * Name of the volume to load as initial RAM disk: a file of the host's image directory, without a slash, such as
   * hatchling-initrd. None by default. LXC hosts do not look it up.
   */
  readonly initrd?: string;
  /**
   * Command line for the kernel (Xen) or arguments for the executable, split at blanks (LXC): at most 1,023 bytes,
   * also after expansion. $(NAME) is replaced for DOMAIN_NAME, DOMAIN_UUID, IP, PREFIX, NETMASK and GATEWAY; $$ is
   * one $; any other $(NAME) stays as it is. Example: console=hvc0 -ipaddr $(IP) -netmask $(NETMASK). dom0 logs it
   * in clear text: no secrets here.
   */
  readonly cmdline?: string;
}
/**
 * What is kept of the domain's console. It can be followed live, captured or not, with hatchery console
 * NAMESPACE/NAME -f.
 */
export interface ConsoleSpec {
  /**
   * How many of the last bytes that the domain wrote on its console stand in status.consoleTail when it has ended,
   * 0 to 65536. 0, as when it is left out, captures nothing. The tail is part of the status, readable to everybody
   * who may read the EphemeralDomain: no secrets on the console. Hosts on libvirt's test driver have no consoles.
   */
  readonly captureBytes?: number;
}
/**
 * Which dom0 hosts may run it, by the labels of their Nodes: all of matchLabels and matchExpressions must hold.
 * Without it every host may. Immutable. Example: {matchLabels: {kubernetes.io/hostname: xen-1}}.
 */
export interface LabelSelector {
  /**
   * Labels that the Node must have, with these values. Example: {disk: ssd}.
   */
  readonly matchLabels?: Readonly<Record<string, string>>;
  /**
   * Requirements on the Node's labels, all of which must hold.
   */
  readonly matchExpressions?: readonly LabelSelectorRequirement[];
}
/**
 * One requirement on a label. Example: {key: zone, operator: In, values: [a, b]}.
 */
export interface LabelSelectorRequirement {
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
 * What became of it. Written by the controller only.
 */
export interface EphemeralDomainStatus {
  /**
   * The metadata.generation that this status speaks of.
   */
  readonly observedGeneration?: number;
  /**
   * Where it is in its life: Pending (no host yet), Scheduled (bound to a host, not yet known to run), Running,
   * Succeeded (the domain shut down by itself), Failed. More may be added.
   */
  readonly phase?: string;
  /**
   * Scheduled (a host was found), Started (the domain was started), Ready (it can be used: with Started), Complete
   * (it succeeded), Failed (it will not succeed). Complete and Failed exclude each other, as in a Job.
   */
  readonly conditions?: readonly Condition[];
  /**
   * Name of the DomainHost (and Node) that the attempt is bound to. Stored before anything is asked of that host.
   */
  readonly host?: string;
  /**
   * Number of the attempt, from 1. At most one domain is ever started for an attempt.
   */
  readonly attempt?: number;
  readonly domain?: DomainStatus;
  /**
   * IPv4 address given to the domain, held until its host no longer lists it.
   */
  readonly address?: string;
  /**
   * Why it is in this phase, in one CamelCase word for programs, such as PowerOff, ImageNotFound, Unschedulable,
   * HostLost. More may be added.
   */
  readonly reason?: string;
  /**
   * Why it is in this phase, in a sentence for people, with names and what to do.
   */
  readonly message?: string;
  /**
   * The last of what the domain wrote on its console, at most spec.domain.console.captureBytes bytes of UTF-8:
   * without escape sequences and control characters other than tabs and line ends. Of the attempt that ended last;
   * absent where nothing was written or captured.
   */
  readonly consoleTail?: string;
  readonly timeline?: Timeline;
  /**
   * Time from created to ready in the timeline, for people: 412ms, 1.532s.
   */
  readonly spawnTime?: string;
  /**
   * When it was first bound to a host; activeDeadlineSeconds counts from here. Later attempts leave it as it is.
   */
  readonly startTime?: string;
  /**
   * When it ended, Succeeded or Failed; ttlSecondsAfterFinished counts from here.
   */
  readonly completionTime?: string;
}
/**
 * The attempt's domain as its host knows it, and what tells whether that host still can.
 */
export interface DomainStatus {
  /**
   * Its name on the host, as virsh list shows it, such as edom-198-18-4-21.
   */
  readonly name?: string;
  /**
   * Its UUID on the host, derived from metadata.uid and the attempt.
   */
  readonly uuid?: string;
  /**
   * Its number on the host while it runs (Xen's domid), as virsh list shows it.
   */
  readonly id?: number;
  /**
   * Which boot of the host it was bound in (UUID of the image pool hatchery).
   */
  readonly hostBoot?: string;
  /**
   * Which run of libvirtd it was bound in (host UUID of its capabilities); counts on hosts that are not Xen.
   */
  readonly hostDaemon?: string;
}
/**
 * When what happened, RFC 3339 with microseconds, by the clock of the controller. For the last attempt, but for
 * created.
 */
export interface Timeline {
  /**
   * The scheduler first saw it.
   */
  readonly created?: string;
  /**
   * A host and an address were chosen for it.
   */
  readonly scheduled?: string;
  /**
   * libvirt was asked to start the domain.
   */
  readonly domainRequested?: string;
  /**
   * libvirt answered that the domain runs, or told so by an event, whichever came first.
   */
  readonly domainStarted?: string;
  /**
   * It could be used; for now with domainStarted.
   */
  readonly ready?: string;
  /**
   * Its end was told or noticed.
   */
  readonly stopped?: string;
}

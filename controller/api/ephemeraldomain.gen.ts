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
 * What to run, and how long and how often: exactly one of domain and templateRef. activeDeadlineSeconds and
 * ttlSecondsAfterFinished can be changed until the domain has finished, the other fields never.
 */
export interface EphemeralDomainSpec {
  readonly domain?: DomainSpec;
  readonly templateRef?: TemplateReference;
  /**
   * Values for $(NAME) in boot.cmdline, beside the names that are always there (IP and so on). With a templateRef
   * they override the template's own of the same name, and have to suit its parametersSchema. At most 64.
   * Immutable. Example: [{name: SIZE, value: small}].
   */
  readonly parameters?: readonly Parameter[];
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
 * The domain to run: required where no template says it, and immutable as a whole. It gets one network interface
 * on the host's guest bridge, with an address of the host's domainCIDR.
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
   * also after expansion. $(NAME) is replaced for DOMAIN_NAME, DOMAIN_UUID, IP, PREFIX, NETMASK, GATEWAY and each
   * of parameters; $$ is one $; any other $(NAME) stays as it is. Example: console=hvc0 -ipaddr $(IP) -netmask
   * $(NETMASK). dom0 logs it in clear text: no secrets here.
   */
  readonly cmdline?: string;
}
/**
 * The EphemeralDomainTemplate, in the same namespace, that says what to run, in place of domain. What it comes
 * to is stored as status.resolved when a host is found; a later edit of the template changes nothing of it.
 * Until a template of that name is there, the EphemeralDomain waits with reason TemplateNotFound. Immutable.
 */
export interface TemplateReference {
  /**
   * Name of the EphemeralDomainTemplate, such as web. Required.
   */
  readonly name: string;
}
/**
 * One parameter, with its value or where to find it. Example: {name: SIZE, value: small}.
 */
export interface Parameter {
  /**
   * Name of the parameter, as in $(NAME): letters, digits and _, not beginning with a digit, at most 63.
   */
  readonly name: string;
  /**
   * The value, at most 1,023 bytes. It is taken as it is: $(NAME) in it is not expanded. A blank in it parts the
   * words of a command line.
   */
  readonly value?: string;
  readonly valueFrom?: ParameterSource;
}
/**
 * Where the value is found, in place of value. It is read once for each attempt.
 */
export interface ParameterSource {
  readonly configMapKeyRef: ConfigMapKeySelector;
}
/**
 * A key of a ConfigMap in the same namespace. While the ConfigMap or the key is missing, the EphemeralDomain
 * waits with reason ConfigMapNotFound. What it holds is never copied into the EphemeralDomain.
 */
export interface ConfigMapKeySelector {
  /**
   * Name of the ConfigMap, such as settings. Required.
   */
  readonly name: string;
  /**
   * Key in the ConfigMap's data, such as greeting. Required.
   */
  readonly key: string;
}
/**
 * Which dom0 hosts may run it, by the labels of their Nodes: all of matchLabels and matchExpressions must hold.
 * Without it every host may. With a templateRef both its and the template's must hold. Immutable. Example:
 * {matchLabels: {kubernetes.io/hostname: xen-1}}.
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
  readonly resolved?: ResolvedSpec;
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
/**
 * What templateRef and parameters came to, stored when a host was found: all later attempts run it too, whatever
 * becomes of the template. Absent where spec.domain says what runs.
 */
export interface ResolvedSpec {
  readonly template: ResolvedTemplate;
  /**
   * The domain to run: required where no template says it, and immutable as a whole. It gets one network interface
   * on the host's guest bridge, with an address of the host's domainCIDR.
   */
  readonly domain: DomainSpec;
  /**
   * Values for $(NAME) in boot.cmdline, beside the names that are always there (IP and so on). With a templateRef
   * they override the template's own of the same name, and have to suit its parametersSchema. At most 64.
   * Immutable. Example: [{name: SIZE, value: small}].
   */
  readonly parameters?: readonly Parameter[];
  /**
   * Which dom0 hosts may run it, by the labels of their Nodes: all of matchLabels and matchExpressions must hold.
   * Without it every host may. With a templateRef both its and the template's must hold. Immutable. Example:
   * {matchLabels: {kubernetes.io/hostname: xen-1}}.
   */
  readonly hostSelector?: LabelSelector;
  /**
   * The template's activeDeadlineSeconds; spec.activeDeadlineSeconds, where it is set, counts in its place.
   */
  readonly activeDeadlineSeconds?: number;
  /**
   * How many times a failed attempt is followed by another, each a new domain, perhaps on another host. 0 (what
   * holds when it is not said) means that the domain is started at most once. Immutable.
   */
  readonly backoffLimit?: number;
  /**
   * The template's ttlSecondsAfterFinished; spec.ttlSecondsAfterFinished, where it is set, counts in its place.
   */
  readonly ttlSecondsAfterFinished?: number;
}
/**
 * The template that it was made from, as it was then.
 */
export interface ResolvedTemplate {
  /**
   * Its metadata.name.
   */
  readonly name: string;
  /**
   * Its metadata.uid.
   */
  readonly uid: string;
  /**
   * Its metadata.generation.
   */
  readonly generation: number;
}

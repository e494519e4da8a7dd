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
 * What to run, and where, when, how long and how often: exactly one of domain and templateRef.
 * activeDeadlineSeconds, ttlSecondsAfterFinished and suspend can be changed until the domain has finished; all
 * else cannot.
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
   * Taints of Nodes that it bears, with a Pod's meaning: it may be placed on a host only if each NoSchedule and
   * NoExecute taint of its Node is borne by one of these. A cordoned Node gets nothing new, whatever is tolerated.
   * None by default. Immutable. Example: [{key: dedicated, operator: Equal, value: batch}].
   */
  readonly tolerations?: readonly Toleration[];
  /**
   * Where it stands in the queue for a place: a higher one goes first, the older one of two that are equal, and
   * one that no host can take lets others pass; and then among those that wait for their start on its host. 0 when
   * not said; below 0 is allowed. It moves no domain that was started. Immutable.
   */
  readonly priority?: number;
  /**
   * Seconds from its creation, or from its last resume, within which a host must have been asked to start it, the
   * next attempt after a failed one too. Over, it is Failed with reason StartDeadlineExceeded, whether it waits
   * for a place, between two attempts, or on its host; a start that was asked for counts as in time. None by
   * default. Immutable.
   */
  readonly startDeadlineSeconds?: number;
  /**
   * Seconds from status.startTime after which the domain is asked to shut down, destroyed where it has not after
   * terminationGracePeriodSeconds, and the EphemeralDomain is Failed with reason DeadlineExceeded; counted over
   * all attempts, as in a Job, and anew after a suspension. None by default. Can be changed until the domain has
   * finished.
   */
  readonly activeDeadlineSeconds?: number;
  /**
   * Seconds that the domain has to end by itself once it was asked to shut down, because its activeDeadlineSeconds
   * are over or it is suspended; then it is destroyed. 30 when not said; 0 destroys it at once. Deleting the
   * EphemeralDomain gives no grace. Immutable.
   */
  readonly terminationGracePeriodSeconds?: number;
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
  readonly request?: RequestSpec;
  /**
   * Whether it is to be placed on no host, as in a Job. Set while it runs, its domain is asked to shut down,
   * destroyed where it has not after terminationGracePeriodSeconds, and the EphemeralDomain is Pending; however
   * the domain ends then, it counts as suspended. Taken back, it is placed anew as the next attempt: its work
   * begins from the start, and backoffLimit counts it not. false when not said. Can be changed until the domain
   * has finished.
   */
  readonly suspend?: boolean;
}
/**
 * The domain to run: required where no template says it, and immutable as a whole. Unless interfaces says
 * otherwise it gets one network interface on the host's guest bridge, with an address of the host's domainCIDR.
 */
export interface DomainSpec {
  /**
   * Kind of Xen guest: pv (paravirtualised; the default), pvh (paravirtualised devices in hardware virtualisation)
   * or hvm (a whole emulated machine). A Xen host gets those alone that its DomainHost lists in
   * status.hypervisor.domainTypes, and none lists hvm: libvirt does not tell whether a dom0 has the emulator that
   * it needs. Hosts that are not Xen take all and run what they have (LXC a container).
   */
  readonly type: 'pv' | 'pvh' | 'hvm';
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
  readonly readiness?: ReadinessSpec;
  /**
   * Disks of the domain, in their order: a guest on Xen sees the first as xvda (/dev/xvda in Linux), the second as
   * xvdb, and so on, up to xvdh; their names are for people and messages. At most 8, none by default. Only Xen
   * hosts can attach disks.
   */
  readonly disks?: readonly DiskSpec[];
  /**
   * Network interfaces of the domain. Left out: one, on the host's guest bridge. []: none, so that the domain has
   * no address, $(IP) and its like stay as written, and its name on the host is made from its UUID. An LXC host
   * cannot tell when such a domain has ended unnoticed: give it activeDeadlineSeconds.
   */
  readonly interfaces?: readonly InterfaceSpec[];
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
   * also after expansion. $(NAME) is replaced for DOMAIN_NAME, DOMAIN_UUID, IP, PREFIX, NETMASK, GATEWAY, each of
   * parameters, for guests that tell of themselves NOTIFY_HOST, NOTIFY_PORT and NOTIFY_URL (see readiness.notify),
   * where a request is served REQUEST_TIME (see request.receivedTime), and for those with parameters from Secrets
   * SECRETS_DISK (see parameters.valueFrom.secretKeyRef); $$ is one $; any other $(NAME), and one that has no
   * value on the host, stays as it is. Example: console=hvc0 -ipaddr $(IP) -netmask $(NETMASK). dom0 logs it in
   * clear text: no secrets here, and a $(NAME) of a parameter from a Secret ends it as Failed with reason
   * InvalidCommandLine.
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
 * When the domain counts as ready, which condition Ready, timeline.ready and spawnTime tell: exactly one of
 * notify (the guest says so itself), tcp and http (the controller tries). Without it Ready comes with Started.
 * Example: {http: {port: 8000}, timeoutSeconds: 30}.
 */
export interface ReadinessSpec {
  /**
   * The guest says itself that it is ready: by POST /ready/NAME (HTTP/1.0 or 1.1, no header needed) to
   * $(NOTIFY_HOST):$(NOTIFY_PORT), or by POST to $(NOTIFY_URL)/ready/NAME, NAME being $(DOMAIN_NAME). Believed
   * only from the domain's own address. Where cmdline has $(NOTIFY_URL), which ends with a random token, only with
   * that token. It has no fields: write notify: {}.
   */
  readonly notify?: {
    [k: string]: unknown;
  };
  readonly tcp?: TcpReadiness;
  readonly http?: HttpReadiness;
  /**
   * Milliseconds from one attempt of tcp or http to the next, 10 to 60000. Default 200. notify does not use it.
   */
  readonly periodMilliseconds: number;
  /**
   * Seconds from Started within which the domain must be ready. One that is not is destroyed, and its attempt has
   * failed with reason ReadinessTimeout. No limit by default.
   */
  readonly timeoutSeconds?: number;
}
/**
 * Ready when a TCP connection to a port of the guest opens. Example: {port: 22}.
 */
export interface TcpReadiness {
  /**
   * Port of the guest's own address, 1 to 65535. Required.
   */
  readonly port: number;
}
/**
 * Ready when a GET of path is answered with a status from 200 to 399; redirects are not followed. Only for
 * guests that serve several requests: one that ends after its first would end by this one. Example: {port: 8000,
 * path: /healthz}.
 */
export interface HttpReadiness {
  /**
   * Port of the guest's own address, 1 to 65535. Required.
   */
  readonly port: number;
  /**
   * Path to GET, with a query if need be. Default /.
   */
  readonly path: string;
}
/**
 * One disk: an image of the host (volume), or an empty disk for this attempt alone (scratch). Examples: {name:
 * data, volume: data.img}, {name: work, scratch: {size: 10Gi}}.
 */
export interface DiskSpec {
  /**
   * Name of the disk, one of its own within the list: a DNS label of at most 63 characters.
   */
  readonly name: string;
  /**
   * Name of the volume that is the disk: a raw file of the host's image directory, without a slash, such as
   * data.img. The guest can only read it, and many domains may have it at once. A volume that the host does not
   * have ends the attempt as Failed with reason ImageNotFound.
   */
  readonly volume?: string;
  readonly scratch?: ScratchSpec;
}
/**
 * An empty disk, all zeros, that the guest can write. It is made for the attempt and deleted with it: what is to
 * last must leave the domain before its end. It takes room on the host as it is written, so disks together may
 * promise more than there is, and a guest that writes when there is none left gets an I/O error.
 */
export interface ScratchSpec {
  /**
   * Size of the disk, a quantity of bytes from 1Mi to 16Ti: 64Mi, 10Gi. Required. One that is more than the host
   * has free ends the attempt as Failed with reason DiskFailed.
   */
  readonly size: number | string;
}
/**
 * One interface, on the host's guest bridge: {} is all there is to say for now.
 */
export interface InterfaceSpec {
  /**
   * Name of the interface, a DNS label of at most 63 characters. Default guest.
   */
  readonly name: string;
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
  readonly configMapKeyRef?: ConfigMapKeySelector;
  readonly secretKeyRef?: SecretKeySelector;
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
 * A key of a Secret in the same namespace, any bytes. It never stands in the command line: the guest reads it
 * from a small disk of its own, the one after all of disks, whose name is $(SECRETS_DISK). So only hosts that
 * attach disks can run it. Whoever may create an EphemeralDomain can read each Secret of its namespace so, as by
 * a Pod. While the Secret or the key is missing, the EphemeralDomain waits with reason SecretNotFound; while the
 * controller may not read Secrets here, with SecretForbidden. All secret values of one EphemeralDomain together
 * have at most 1 MiB.
 */
export interface SecretKeySelector {
  /**
   * Name of the Secret, such as database. Required.
   */
  readonly name: string;
  /**
   * Key in the Secret's data, such as password. Required.
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
 * One taint, or several, that it bears. Example: {key: dedicated, operator: Exists, effect: NoSchedule}.
 */
export interface Toleration {
  /**
   * Key of the taint. Left out, with operator Exists, it is every key.
   */
  readonly key?: string;
  /**
   * How the taint is compared: Equal (its value is value; what holds when it is not said) or Exists (whatever its
   * value).
   */
  readonly operator?: 'Exists' | 'Equal';
  /**
   * Value of the taint, with operator Equal. Left out it is the empty one.
   */
  readonly value?: string;
  /**
   * Effect of the taint: NoSchedule or NoExecute (PreferNoSchedule repels no EphemeralDomain). Left out it is
   * every effect.
   */
  readonly effect?: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute';
}
/**
 * Set by who makes the EphemeralDomain for one request and serves that itself, as the ingress does; never in a
 * template, and immutable. The creator alone judges then when the domain is ready: the controller neither tries
 * its ports nor waits for its word, and readiness.timeoutSeconds does not count. Example: {receivedTime:
 * '2026-01-02T03:04:05.678901Z'}.
 */
export interface RequestSpec {
  /**
   * When the request came, UTC, with at most six digits of a second: 2026-01-02T03:04:05.678901Z. Required.
   * REQUEST_TIME in cmdline stands for it, as seconds since 1970-01-01 with a fraction.
   */
  readonly receivedTime: string;
  readonly notify?: RequestNotify;
  /**
   * DomainHosts, by name, where this request failed before: taken only where no other host has room. None by
   * default. Example: [xen-1].
   */
  readonly avoidHosts?: readonly string[];
}
/**
 * Where the guest is to tell of itself in place of the controller: NOTIFY_HOST, NOTIFY_PORT and NOTIFY_URL in
 * cmdline stand for this. What it says of its end reaches the creator alone then. Left out they stand for the
 * controller's own. Example: {host: 10.0.0.7, port: 9404, token: 0123456789abcdef0123456789abcdef}.
 */
export interface RequestNotify {
  /**
   * IPv4 address, or name, by which the guest reaches the creator. Required.
   */
  readonly host: string;
  /**
   * TCP port of host, 1 to 65535. Required.
   */
  readonly port: number;
  /**
   * The end of NOTIFY_URL, which shows that it is this guest that speaks: 32 random hexadecimal digits. Required.
   * Everybody who may read the EphemeralDomain can read it, so it shows no more than that; the guest's address is
   * looked at too.
   */
  readonly token: string;
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
   * Succeeded (the domain shut down by itself and reported no failure), Failed. More may be added.
   */
  readonly phase?: string;
  /**
   * Suspended (it is placed on no host; Unknown while its domain is being stopped for that), Scheduled (a host was
   * found), Started (the domain was started), Ready (it can be used: as spec.domain.readiness says, else with
   * Started; with spec.request False until a write of this status comes after its creator's word, so that it may
   * never be seen True), FailureTarget (it is decided that it fails, and its domain is being stopped, as in a
   * Job), Complete (it succeeded), Failed (it will not succeed). Complete and Failed exclude each other, as in a
   * Job.
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
  /**
   * How many of the attempts were ended by a suspension: backoffLimit does not count them. Absent for none.
   */
  readonly suspendedAttempts?: number;
  /**
   * Attempts that failed with HostStateUnknown, the latest 64 of them. A domain of each may lie paused on its host
   * without libvirt knowing it, so its address is held back there for as long as this resource exists and that
   * boot lasts; the DomainHost says what to run in dom0. Absent for none.
   */
  readonly unknownAttempts?: readonly EphemeralDomainStatusUnknownAttempts[];
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
  /**
   * What the guest of the last attempt said of its work by POST /exit/NAME: 0 is well, all else makes the attempt
   * fail with reason NonZeroExit once the domain has ended. Absent where it said nothing: powering off alone says
   * nothing more than that it is over.
   */
  readonly exitCode?: number;
  /**
   * The text that the guest sent with its exit code, made safe to show: line breaks and other control characters
   * are blanks, what is not UTF-8 is U+FFFD. At most 4,096 characters.
   */
  readonly terminationMessage?: string;
  readonly timeline?: Timeline;
  /**
   * How long it took until it was of use, for people: 412ms, 1.532s. From requested to responded in the timeline
   * with spec.request, else from created to ready.
   */
  readonly spawnTime?: string;
  /**
   * When it was first bound to a host, or first after its last resume; activeDeadlineSeconds counts from here.
   * Later attempts leave it as it is, a suspension clears it.
   */
  readonly startTime?: string;
  /**
   * When it ended, Succeeded or Failed; ttlSecondsAfterFinished counts from here.
   */
  readonly completionTime?: string;
  readonly resolved?: ResolvedSpec;
}
/**
 * One attempt of which its host may hold a domain that libvirt does not know.
 */
export interface EphemeralDomainStatusUnknownAttempts {
  /**
   * Number of the attempt; the UUID of its domain follows from it and metadata.uid.
   */
  readonly attempt: number;
  /**
   * Name of the DomainHost that it was bound to.
   */
  readonly host: string;
  /**
   * Which boot of the host it was bound in (UUID of the image pool hatchery).
   */
  readonly hostBoot: string;
  /**
   * Its IPv4 address, which is held back. Absent where it had none.
   */
  readonly address?: string;
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
 * When what happened, RFC 3339 with microseconds: by the clock of the controller, but for requested, ready and
 * responded of one with spec.request, which are by its creator's. For the last attempt, but for requested and
 * created.
 */
export interface Timeline {
  /**
   * The request came that it serves, as spec.request.receivedTime says.
   */
  readonly requested?: string;
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
   * It could be used: when its guest's notice came or a probe succeeded, else with domainStarted. With
   * spec.request: as its creator told the controller (POST /timeline) before a write of this status; absent where
   * it did not.
   */
  readonly ready?: string;
  /**
   * The answer to its request began, as its creator told the controller. Absent without spec.request, and where
   * nobody told in time.
   */
  readonly responded?: string;
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
   * The domain to run: required where no template says it, and immutable as a whole. Unless interfaces says
   * otherwise it gets one network interface on the host's guest bridge, with an address of the host's domainCIDR.
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
   * Taints of Nodes that it bears, with a Pod's meaning: it may be placed on a host only if each NoSchedule and
   * NoExecute taint of its Node is borne by one of these. A cordoned Node gets nothing new, whatever is tolerated.
   * None by default. Immutable. Example: [{key: dedicated, operator: Equal, value: batch}].
   */
  readonly tolerations?: readonly Toleration[];
  /**
   * Where it stands in the queue for a place: a higher one goes first, the older one of two that are equal, and
   * one that no host can take lets others pass; and then among those that wait for their start on its host. 0 when
   * not said; below 0 is allowed. It moves no domain that was started. Immutable.
   */
  readonly priority?: number;
  /**
   * Seconds from its creation, or from its last resume, within which a host must have been asked to start it, the
   * next attempt after a failed one too. Over, it is Failed with reason StartDeadlineExceeded, whether it waits
   * for a place, between two attempts, or on its host; a start that was asked for counts as in time. None by
   * default. Immutable.
   */
  readonly startDeadlineSeconds?: number;
  /**
   * The template's activeDeadlineSeconds; spec.activeDeadlineSeconds, where it is set, counts in its place.
   */
  readonly activeDeadlineSeconds?: number;
  /**
   * Seconds that the domain has to end by itself once it was asked to shut down, because its activeDeadlineSeconds
   * are over or it is suspended; then it is destroyed. 30 when not said; 0 destroys it at once. Deleting the
   * EphemeralDomain gives no grace. Immutable.
   */
  readonly terminationGracePeriodSeconds?: number;
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

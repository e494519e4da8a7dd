/**
 * Why an EphemeralDomain or a DomainHost is as it is: words for programs, in status.reason and in conditions. The sets
 * are closed here, so that a switch over them can be exhaustive, and open to readers of the API: more may be added.
 */

/** Why an attempt ended, or an EphemeralDomain with it: reason of phase Succeeded and Failed. */
export const EndReason = {
  /**
   * Succeeded: the domain powered off or rebooted by itself, and its guest reported no code but 0. A host that cannot tell
   * a crash (LXC) says this too.
   */
  PowerOff: 'PowerOff',
  /** Failed: the guest said by POST /exit that its work ended with another code than 0, and then it ended. */
  NonZeroExit: 'NonZeroExit',
  /** Failed: it was not ready within readiness.timeoutSeconds after it was started, and was destroyed. */
  ReadinessTimeout: 'ReadinessTimeout',
  /** Failed: the guest crashed. */
  Crashed: 'Crashed',
  /** Failed: somebody destroyed the domain on its host, or it is gone from there without an end that anybody told. */
  Destroyed: 'Destroyed',
  /** Failed: its host booted after it was bound there, so that what became of it cannot be known. */
  HostRebooted: 'HostRebooted',
  /** Failed: the host could not start it. */
  StartFailed: 'StartFailed',
  /** Failed: its host's libvirtd was restarted and has forgotten how it ended. */
  Unknown: 'Unknown',
  /** Failed: the host refuses the start though it knows no such domain; the DomainHost says what to run in dom0. */
  HostStateUnknown: 'HostStateUnknown',
  /** Failed: its host did not answer for --host-lost-after. */
  HostLost: 'HostLost',
  /** Failed: its DomainHost was deleted. */
  HostRemoved: 'HostRemoved',
  /** Failed: the host has no volume of the name that boot.kernel, boot.initrd or a disk's volume says. */
  ImageNotFound: 'ImageNotFound',
  /** Failed: a scratch disk, or the one for secret parameters, cannot be made; message says which, of what size, and why. */
  DiskFailed: 'DiskFailed',
  /**
   * Failed: the command line is too long, or holds what a guest cannot get, once $(NAME) is expanded; or it has $(NAME) of a
   * parameter that comes from a Secret.
   */
  InvalidCommandLine: 'InvalidCommandLine',
  /** Failed: its parameters do not suit the template's parametersSchema; message names the parameter and what it wants. */
  InvalidParameters: 'InvalidParameters',
  /** Failed: the template's parametersSchema is no schema, or one that is not supported. */
  InvalidTemplate: 'InvalidTemplate',
  /** Failed: activeDeadlineSeconds has passed. Also of FailureTarget=True, while the domain is being stopped for it. */
  DeadlineExceeded: 'DeadlineExceeded',
  /** Failed: startDeadlineSeconds has passed before a host was asked to start it. */
  StartDeadlineExceeded: 'StartDeadlineExceeded',
  /** Failed: the last of several attempts failed; message tells how. With backoffLimit 0 the attempt's own reason. */
  BackoffLimitExceeded: 'BackoffLimitExceeded',
} as const;
export type EndReason = (typeof EndReason)[keyof typeof EndReason];

/** Why it waits or goes on: reason of the phases before an end, and of conditions. */
export const ProgressReason = {
  /** Pending, Scheduled=False: no host can take it now; message says of each why not. */
  Unschedulable: 'Unschedulable',
  /** Pending, Scheduled=False: an attempt failed and another follows after a pause. */
  BackOff: 'BackOff',
  /** Pending, Scheduled=False: its name was another domain's on the host, so that it did not run; it is placed anew. */
  NameHeld: 'NameHeld',
  /** Pending, Scheduled=False: there is no EphemeralDomainTemplate of the name that templateRef says, yet. */
  TemplateNotFound: 'TemplateNotFound',
  /** Pending, Scheduled=False: a ConfigMap that a parameter's value comes from, or the key in it, is not there yet. */
  ConfigMapNotFound: 'ConfigMapNotFound',
  /** Pending, Scheduled=False: a Secret that a parameter's value comes from, or the key in it, is not there yet. */
  SecretNotFound: 'SecretNotFound',
  /** Pending, Scheduled=False: a parameter's value comes from a Secret, which the controller may not read there. */
  SecretForbidden: 'SecretForbidden',
  /** Running, Suspended=Unknown: spec.suspend was set, and its domain is asked to shut down, or destroyed after the grace. */
  Suspending: 'Suspending',
  /** Pending, Suspended=True, Scheduled=False: spec.suspend is set. */
  Suspended: 'Suspended',
  /** Pending, Suspended=False: spec.suspend was taken back, and it waits for a place again. */
  Resumed: 'Resumed',
  /** Scheduled=True. */
  Bound: 'Bound',
  /** Started=True; Ready=True where readiness is not asked for. */
  DomainStarted: 'DomainStarted',
  /** Ready=False: it was started, and spec.domain.readiness is not fulfilled yet. */
  NotReadyYet: 'NotReadyYet',
  /** Ready=True: its guest said so, or a probe succeeded. */
  DomainReady: 'DomainReady',
  /** Ready=False: the domain has ended. */
  DomainStopped: 'DomainStopped',
} as const;
export type ProgressReason = (typeof ProgressReason)[keyof typeof ProgressReason];

/** Why a DomainHost is Ready, or not. */
export const HostReason = {
  /** Ready=True. */
  HostReady: 'HostReady',
  /** Its spec makes no sense; message names the fields. */
  InvalidSpec: 'InvalidSpec',
  /** First contact is being made. */
  Connecting: 'Connecting',
  /** Its libvirtd does not answer. */
  Unreachable: 'Unreachable',
  /** TLS or authentication failed, on either side. */
  AuthenticationFailed: 'AuthenticationFailed',
  /** It answers; its domains are being listed and settled. */
  Settling: 'Settling',
  /** Another libvirt pool lies over its imageDirectory. */
  ImageDirectoryInUse: 'ImageDirectoryInUse',
  /** The image pool can be neither found nor made. */
  ImagePoolFailed: 'ImagePoolFailed',
  /** The image pool is gone from the host, or was stopped there, while it was in use; it is being made again. */
  ImagePoolLost: 'ImagePoolLost',
  /** The host is not what its URI says, or lacks what Hatchery needs. */
  UnsupportedHost: 'UnsupportedHost',
  /** The EphemeralDomain kind is missing from the API server, so that orphans cannot be told: nothing is destroyed. */
  ResourceKindMissing: 'ResourceKindMissing',
  /** Its Node is gone or has lost the dom0 label. */
  NodeRemoved: 'NodeRemoved',
  /** Condition ManyOrphans=True. */
  OrphansHeldBack: 'OrphansHeldBack',
  /** Condition ManyOrphans=False. */
  FewOrphans: 'FewOrphans',
} as const;
export type HostReason = (typeof HostReason)[keyof typeof HostReason];

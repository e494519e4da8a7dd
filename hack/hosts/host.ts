/** The kinds of host that the test beds know; see docs/development.md for what is real in each. */
export type HostKind = 'xen' | 'lxc' | 'test';

/** The libvirt daemon of a host, as tests harm and heal it. Each promise resolves once the effect is there. */
export interface DaemonControl {
  /** SIGKILL, without a restart: running domains go on. */
  kill(): Promise<void>;
  /** SIGTERM, without a restart: the clean stop that an administrator makes. */
  terminate(): Promise<void>;
  /** Starts a daemon that was killed or terminated; resolves when it answers. */
  start(): Promise<void>;
  /** terminate, then start. */
  restart(): Promise<void>;
  /** SIGSTOP: connections stay open and nothing answers. */
  pause(): Promise<void>;
  /** SIGCONT. */
  resume(): Promise<void>;
}

/** How a client outside the host reaches its libvirtd over TLS: a folder in libvirt's own pkipath layout. */
export interface TlsFolder {
  /** Holds cacert.pem, clientcert.pem and clientkey.pem. */
  readonly pkipath: string;
}

/**
 * One dom0 host of a test bed: a libvirtd with a hypervisor below it, a guest bridge and a pool of images.
 * A host is found again from (bed, kind, number) alone, so another process can stop it.
 */
export interface TestHost {
  readonly kind: HostKind;
  /** The Node's name, and the name of its pid file: xen-1, lxc-2, test-1. */
  readonly name: string;
  /** libvirt URI as a DomainHost's spec.uri holds it. */
  readonly uri: string;
  /** InternalIP of the Node object. */
  readonly address: string;
  /** Bridge that guests are put on; none on the test driver. */
  readonly bridge: string | undefined;
  /** Range that guests' addresses come from, and the gateway that they are told. */
  readonly domainCIDR: string;
  readonly gateway: string;
  /** Path, as the host sees it, of the folder that the image pool lies over. */
  readonly imageDirectory: string;
  /** Path, as the host sees it, of the vif hotplug script; Xen only. */
  readonly vifScript: string | undefined;
  readonly tls: TlsFolder | undefined;
  readonly daemon: DaemonControl;
  /** Builds what is missing (cached), starts everything, resolves when libvirtd answers. Idempotent. */
  start(): Promise<void>;
  /** Ends it and removes every trace: processes, namespace, mounts, links, routes, cgroups. Idempotent. */
  stop(): Promise<void>;
  /** Whether all of its processes run. */
  isRunning(): Promise<boolean>;
}

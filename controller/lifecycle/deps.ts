import type { Registry } from 'prom-client';

import type { Clock, EventRecorder, KubeLogger, KubeMetrics, Random, RestClient } from '#controller/kube/index.ts';
import type { ConnectOptions, Hypervisor, TlsCredentials } from '#controller/libvirt/index.ts';
import type { NotifyPort } from '#controller/notify/index.ts';
import type { Tracer } from '#controller/observe/tracing.ts';

/** What can be told to the controller; config/ reads it from flags, environment and file. */
export interface ControllerOptions {
  /** Node label that makes a dom0 host. */
  readonly dom0Label: { readonly key: string; readonly value: string };
  /** Fill a new DomainHost's spec from its Node's annotations: test beds only. */
  readonly trustNodeAnnotations: boolean;
  /** Silence of a host, in ms, after which its domains count as lost. */
  readonly hostLostAfterMs: number;
  /**
   * ms after a connection's end for which a request that was sent on it may still be acted on: so long nothing that may have
   * been asked is asked again. Default 5,000.
   */
  readonly settleMs?: number | undefined;
  /**
   * Namespace of the ingress replicas' Leases; undefined: nobody looks whether those who made EphemeralDomains for requests
   * are alive.
   */
  readonly ingressNamespace?: string | undefined;
  /** For xen+tls URIs; without them such a host is not Ready. */
  readonly libvirtTls?: TlsCredentials | undefined;
}

/** Everything that the controller touches the world by. */
export interface ControllerDeps {
  /** Writes fail unless the Lease is held: see leasedClient. */
  readonly rest: RestClient;
  /** Whether something may be sent to a host now: see Lease.isHeld. */
  readonly mayAct: () => boolean;
  readonly connect: (options: ConnectOptions) => Hypervisor;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: KubeLogger;
  readonly registry: Registry;
  readonly kubeMetrics?: KubeMetrics | undefined;
  readonly events: EventRecorder;
  /** How guests reach this process; undefined: they cannot, and NOTIFY_* is expanded for none. */
  readonly notify?: NotifyPort | undefined;
  /** Told of starts; undefined: nobody is. */
  readonly tracer?: Tracer | undefined;
  readonly options: ControllerOptions;
}

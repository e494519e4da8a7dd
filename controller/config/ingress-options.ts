import { COMMON_OPTIONS } from './common-options.ts';
import type { CommonConfig } from './common-options.ts';
import type { OptionTable } from './option.ts';
import {
  readCidr,
  readHost,
  readIdentity,
  readList,
  readListenAddress,
  readListenAddressOrOff,
  readNamespace,
  readObjectName,
  readSpan,
  readWhole,
} from './values.ts';
import type { Cidr, ListenAddress, ObjectName } from './values.ts';

/** All that `hatchery ingress` can be told. */
export interface IngressConfig extends CommonConfig {
  /** Namespace of the Leases of the ingress' replicas. */
  readonly namespace: string;
  readonly identity: string;
  /** Namespace of the controller's Lease, which says where the controller is. */
  readonly controllerNamespace: string;
  /** Whose Ingresses and templates are served; undefined: all namespaces'. */
  readonly namespaces: readonly string[] | undefined;
  readonly httpAddress: ListenAddress;
  /** undefined: no TLS. */
  readonly httpsAddress: ListenAddress | undefined;
  readonly metricsAddress: ListenAddress;
  /** Where guests say that they are ready. */
  readonly notifyAddress: ListenAddress;
  /** Written into the status of Ingresses; undefined: nothing is written. */
  readonly publishAddress: string | undefined;
  /** `kubernetes.io/tls` Secret for visitors who name no host; undefined: their handshake fails. */
  readonly defaultTlsSecret: ObjectName | undefined;
  readonly trustedProxies: readonly Cidr[];
  /** Most domains at a time over all templates and replicas. */
  readonly maxConcurrent: number;
  /** Most requests that wait for a place, over all templates and replicas. */
  readonly maxQueued: number;
  /** Requests of its own that it refuses before it is ready. */
  readonly warmUp: number;
  /** Milliseconds in which connections are still taken after SIGTERM. */
  readonly drainDelay: number;
  /** Milliseconds that requests under way have after that. */
  readonly drainLimit: number;
  /** Milliseconds that upgraded connections (WebSockets) have after that. */
  readonly drainUpgradedLimit: number;
}

/** The ports differ from the controller's, so that both run on one machine. */
export const INGRESS_OPTIONS: OptionTable<IngressConfig> = {
  kubeconfig: COMMON_OPTIONS.kubeconfig,
  context: COMMON_OPTIONS.context,
  namespace: {
    placeholder: 'NAME',
    description: "Namespace of the replicas' Leases, by which they share limits",
    shownDefault: 'hatchery-ingress',
    fallback: () => 'hatchery-ingress',
    read: readNamespace,
  },
  identity: {
    placeholder: 'NAME',
    description: 'Name of this replica, of its Lease and in the labels of what it creates; no two may have the same',
    shownDefault: "the machine's host name",
    fallback: ({ hostname }) => hostname,
    read: readIdentity,
  },
  controllerNamespace: {
    placeholder: 'NAME',
    description: "Namespace of the controller's Lease, which says where the controller is told of requests",
    shownDefault: 'hatchery-system',
    fallback: () => 'hatchery-system',
    read: readNamespace,
  },
  namespaces: {
    placeholder: 'NAME,…',
    description: 'Namespaces whose Ingresses and templates are served, with commas between them',
    shownDefault: 'all',
    fallback: () => undefined,
    read: readList(readNamespace),
  },
  httpAddress: {
    placeholder: 'HOST:PORT',
    description: 'Where HTTP is served; port 0 takes any free one and logs it',
    shownDefault: ':8080',
    fallback: () => ({ host: undefined, port: 8080 }),
    read: readListenAddress,
  },
  httpsAddress: {
    placeholder: 'HOST:PORT|off',
    description: 'Where HTTPS is served (HTTP/1.1 and HTTP/2), with the certificates that Ingresses name',
    shownDefault: ':8443',
    fallback: () => ({ host: undefined, port: 8443 }),
    read: readListenAddressOrOff,
  },
  metricsAddress: {
    placeholder: 'HOST:PORT',
    description: 'Where /metrics, /healthz and /readyz are served; port 0 takes any free one and logs it',
    shownDefault: '127.0.0.1:9404',
    fallback: () => ({ host: '127.0.0.1', port: 9404 }),
    read: readListenAddress,
  },
  notifyAddress: {
    placeholder: 'HOST:PORT',
    description:
      "Where guests say that they are ready (POST /ready/NAME); only a domain's own address is believed, so it must " +
      'be one that guests can reach',
    shownDefault: '0.0.0.0:9405',
    fallback: () => ({ host: '0.0.0.0', port: 9405 }),
    read: readListenAddress,
  },
  notifyAdvertise: COMMON_OPTIONS.notifyAdvertise,
  publishAddress: {
    placeholder: 'HOST',
    description: 'Address or name that is written into the status of the Ingresses that are served',
    shownDefault: 'none: nothing is written',
    fallback: () => undefined,
    read: readHost,
  },
  defaultTlsSecret: {
    placeholder: 'NAMESPACE/NAME',
    description: 'Secret of type kubernetes.io/tls with the certificate for visitors who name no host',
    shownDefault: 'none: their handshake fails',
    fallback: () => undefined,
    read: readObjectName,
  },
  trustedProxies: {
    placeholder: 'CIDR,…',
    description:
      'Addresses of the proxies in front whose X-Forwarded-For, Forwarded and traceparent are believed; from all ' +
      'others they are removed and made anew',
    shownDefault: 'none',
    fallback: () => [],
    read: readList(readCidr),
  },
  maxConcurrent: {
    placeholder: 'NUMBER',
    description: 'Most domains at a time, over all templates and replicas',
    shownDefault: '1000',
    fallback: () => 1000,
    read: readWhole(1, 100_000),
  },
  maxQueued: {
    placeholder: 'NUMBER',
    description: 'Most requests that wait for a place, over all templates and replicas; those beyond get 503 at once',
    shownDefault: '10000',
    fallback: () => 10_000,
    read: readWhole(0, 1_000_000),
  },
  warmUp: {
    placeholder: 'NUMBER',
    description:
      'Visitors of its own that it answers before it is ready, so that its code is compiled when a crowd comes; takes 2 ' +
      'to 4 s; 0: none',
    shownDefault: '4000',
    fallback: () => 4000,
    read: readWhole(0, 100_000),
  },
  drainDelay: {
    placeholder: 'DURATION',
    description: 'After SIGTERM: time in which connections are still taken, until nobody sends any more',
    shownDefault: '5s',
    fallback: () => 5000,
    read: readSpan,
  },
  drainLimit: {
    placeholder: 'DURATION',
    description: 'After that: time that requests under way have to end',
    shownDefault: '60s',
    fallback: () => 60_000,
    read: readSpan,
  },
  drainUpgradedLimit: {
    placeholder: 'DURATION',
    description: 'After that: time that upgraded connections, such as WebSockets, have to end',
    shownDefault: '300s',
    fallback: () => 300_000,
    read: readSpan,
  },
  logLevel: COMMON_OPTIONS.logLevel,
  logFormat: COMMON_OPTIONS.logFormat,
};

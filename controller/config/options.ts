import { DOM0_LABEL, DOM0_LABEL_VALUE } from '#controller/api/index.ts';

import { COMMON_OPTIONS } from './common-options.ts';
import type { CommonConfig } from './common-options.ts';
import { readPath } from './option.ts';
import type { OptionTable } from './option.ts';
import {
  readBoolean,
  readDuration,
  readIdentity,
  readLabel,
  readListenAddress,
  readListenAddressOrOff,
  readNamespace,
} from './values.ts';
import type { Label, ListenAddress } from './values.ts';

/** All that `hatchery controller` can be told. */
export interface ControllerConfig extends CommonConfig {
  /** Namespace of the Lease. */
  readonly namespace: string;
  readonly identity: string;
  /** Namespace of the Leases of the ingress' replicas. */
  readonly ingressNamespace: string;
  readonly dom0Label: Label;
  readonly trustNodeAnnotations: boolean;
  /** Milliseconds. */
  readonly hostLostAfter: number;
  /** Folder of cacert.pem, clientcert.pem, clientkey.pem; without it no host can be reached over TLS. */
  readonly libvirtPki: string | undefined;
  readonly metricsAddress: ListenAddress;
  /** Where consoles are served. */
  readonly httpsAddress: ListenAddress;
  /** Where clients reach that; undefined: where it listens. */
  readonly httpsAdvertise: ListenAddress | undefined;
  readonly tlsCertFile: string | undefined;
  readonly tlsPrivateKeyFile: string | undefined;
  /** Where guests tell of themselves; undefined: nowhere. */
  readonly notifyAddress: ListenAddress | undefined;
}

export const CONTROLLER_OPTIONS: OptionTable<ControllerConfig> = {
  kubeconfig: COMMON_OPTIONS.kubeconfig,
  context: COMMON_OPTIONS.context,
  namespace: {
    placeholder: 'NAME',
    description: 'Namespace of the Lease hatchery-controller, by which one replica acts and others stand by',
    shownDefault: 'hatchery-system',
    fallback: () => 'hatchery-system',
    read: readNamespace,
  },
  identity: {
    placeholder: 'NAME',
    description: 'Name under which this replica holds the Lease; started again under it, it goes on at once',
    shownDefault: "the machine's host name",
    fallback: ({ hostname }) => hostname,
    read: readIdentity,
  },
  ingressNamespace: {
    placeholder: 'NAME',
    description:
      "Namespace of the Leases of the ingress' replicas: what one of them left unfinished is deleted once its Lease has run out",
    shownDefault: 'hatchery-ingress',
    fallback: () => 'hatchery-ingress',
    read: readNamespace,
  },
  dom0Label: {
    placeholder: 'KEY=VALUE',
    description:
      'Label of the Nodes that are dom0 hosts; a key under node-restriction.kubernetes.io/ keeps kubelets from setting it',
    shownDefault: `${DOM0_LABEL}=${DOM0_LABEL_VALUE}`,
    fallback: () => ({ key: DOM0_LABEL, value: DOM0_LABEL_VALUE }),
    read: readLabel,
  },
  trustNodeAnnotations: {
    placeholder: undefined,
    description:
      "Fill a new DomainHost from its Node's annotations; for test beds: a kubelet may write its own Node's annotations",
    shownDefault: 'false',
    fallback: () => false,
    read: readBoolean,
  },
  hostLostAfter: {
    placeholder: 'DURATION',
    description: 'Time without an answer from a host after which its domains are Failed with reason HostLost',
    shownDefault: '60s',
    fallback: () => 60_000,
    read: readDuration,
  },
  libvirtPki: {
    placeholder: 'DIR',
    description: 'Folder with cacert.pem, clientcert.pem and clientkey.pem for libvirt over TLS',
    shownDefault: 'none: hosts with a xen+tls URI cannot be reached',
    fallback: () => undefined,
    read: readPath,
  },
  metricsAddress: {
    placeholder: 'HOST:PORT',
    description: 'Where /metrics, /healthz and /readyz are served; port 0 takes any free one and logs it',
    shownDefault: '127.0.0.1:9402',
    fallback: () => ({ host: '127.0.0.1', port: 9402 }),
    read: readListenAddress,
  },
  httpsAddress: {
    placeholder: 'HOST:PORT',
    description: 'Where consoles are served to callers whom the cluster knows; port 0 takes any free one',
    shownDefault: '127.0.0.1:0; clients learn the port from the Lease',
    fallback: () => ({ host: '127.0.0.1', port: 0 }),
    read: readListenAddress,
  },
  httpsAdvertise: {
    placeholder: 'HOST:PORT',
    description:
      'Where clients reach the HTTPS address, told by annotation hatchery.dev/address of the Lease; port 0 means its own',
    shownDefault: "the HTTPS address, with the machine's host name where that is all addresses",
    fallback: () => undefined,
    read: readListenAddress,
  },
  tlsCertFile: {
    placeholder: 'FILE',
    description: 'Certificate of the HTTPS address, PEM, with those between it and its authority; read at the start',
    shownDefault:
      'one that signs itself, made at the start; clients trust what annotation hatchery.dev/ca of the Lease says',
    fallback: () => undefined,
    read: readPath,
  },
  tlsPrivateKeyFile: {
    placeholder: 'FILE',
    description: 'Private key of the certificate, PEM',
    shownDefault: 'none',
    fallback: () => undefined,
    read: readPath,
  },
  notifyAddress: {
    placeholder: 'HOST:PORT|off',
    description:
      'Where guests say that they are ready and how their work ended (POST /ready/NAME, POST /exit/NAME); only a ' +
      "domain's own address is believed",
    // Guests are never on this machine, so an address that they cannot reach would be no default.
    shownDefault: '0.0.0.0:9403',
    fallback: () => ({ host: '0.0.0.0', port: 9403 }),
    read: readListenAddressOrOff,
  },
  notifyAdvertise: COMMON_OPTIONS.notifyAdvertise,
  logLevel: COMMON_OPTIONS.logLevel,
  logFormat: COMMON_OPTIONS.logFormat,
};

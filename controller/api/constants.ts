/** Names that others must write the same way: labels, annotations, phases. */

export const GROUP = 'hatchery.dev';
export const VERSION = 'v1alpha1';

/** The label that makes a Node a dom0 host, unless --dom0-label says another. */
export const DOM0_LABEL = 'hatchery.dev/dom0';
export const DOM0_LABEL_VALUE = 'true';

/** Annotations of a Node that fill its DomainHost's spec at its making, only under --trust-node-annotations. */
export const NodeAnnotation = {
  LibvirtUri: 'hatchery.dev/libvirt-uri',
  Bridge: 'hatchery.dev/bridge',
  DomainCidr: 'hatchery.dev/domain-cidr',
  Gateway: 'hatchery.dev/gateway',
  ImageDirectory: 'hatchery.dev/image-directory',
} as const;

/** Where an EphemeralDomain is in its life. Open: more may be added. */
export const Phase = {
  /** No host yet. */
  Pending: 'Pending',
  /** Bound to a host, and the binding is stored; not yet known to run. */
  Scheduled: 'Scheduled',
  Running: 'Running',
  /** The domain shut down by itself. */
  Succeeded: 'Succeeded',
  Failed: 'Failed',
} as const;
export type Phase = (typeof Phase)[keyof typeof Phase];

/** Whether a phase is one that never changes any more. */
export const isFinished = (phase: string | undefined): boolean => phase === Phase.Succeeded || phase === Phase.Failed;

/** Labels of an EphemeralDomain that an ingress replica made for a request. Its Lease carries the first too. */
export const RequestLabel = {
  Replica: 'hatchery.dev/replica',
  Template: 'hatchery.dev/template',
  Ingress: 'hatchery.dev/ingress',
} as const;

/** Annotations of one, for people: which request it was made for. */
export const RequestAnnotation = {
  Method: 'hatchery.dev/request-method',
  Host: 'hatchery.dev/request-host',
  /** Without the query. */
  Path: 'hatchery.dev/request-path',
  Trace: 'hatchery.dev/trace-id',
  /** W3C trace context: the span that the domain is a part of. */
  Traceparent: 'hatchery.dev/traceparent',
} as const;

/** Name of the Lease whose holder acts. */
export const LEASE_NAME = 'hatchery-controller';

/** What the name of an ingress replica's Lease begins with; the replica's own name follows. */
export const INGRESS_LEASE_PREFIX = 'hatchery-ingress-';

/** Annotations of the controller's Lease: where its holder serves HTTPS, and the certificate (PEM) that it shows there. */
export const LeaseAnnotation = { Address: 'hatchery.dev/address', Ca: 'hatchery.dev/ca' } as const;

/** Longest message that a status may hold, in characters; the API server refuses a longer one. */
export const MAX_MESSAGE_LENGTH = 32_768;
/** Longest message of a held address. */
export const MAX_HELD_MESSAGE_LENGTH = 4096;
/** Most held addresses that a DomainHost's status lists. */
export const MAX_HELD_ADDRESSES = 256;
/** Most conditions that a status may hold. */
export const MAX_CONDITIONS = 32;

/** Most parameters of one EphemeralDomain, as the CRD has it; its own and its template's together. */
export const MAX_PARAMETERS = 64;
/** Most bytes of a parameter's value: all that a command line holds. */
export const MAX_VALUE_BYTES = 1023;
/** What a parameter can be called, as the CRD has it. */
export const PARAMETER_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,62}$/;
/** Names in a command line that have a value of Hatchery's own: no parameter can be called so. */
export const BUILT_IN_NAMES: readonly string[] = [
  ...['DOMAIN_NAME', 'DOMAIN_UUID', 'IP', 'PREFIX', 'NETMASK', 'GATEWAY'],
  ...['NOTIFY_HOST', 'NOTIFY_PORT', 'NOTIFY_URL', 'REQUEST_TIME', 'SECRETS_DISK'],
];

/** Items that status.unknownAttempts may have. */
export const MAX_UNKNOWN_ATTEMPTS = 64;

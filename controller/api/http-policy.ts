/**
 * What a template comes to for the ingress. spec.http has no defaults in the CRD, so that "not said" can be told from a
 * choice (readiness by http implies a guest that serves many connections, a template's TTL how long its domains are kept).
 */
import type { EphemeralDomainTemplate } from './ephemeraldomaintemplate.gen.ts';

/** The defaults of spec.http; docs/ingress.md and `kubectl explain edt.spec.http` name them too. */
export const HTTP_DEFAULTS = {
  /** The original's. */
  port: 8000,
  spawnTimeoutSeconds: 10,
  requestTimeoutSeconds: 60,
  maxConcurrent: 16,
  maxQueued: 64,
  queueTimeoutSeconds: 5,
  upgrades: ['websocket'],
  minBytesPerSecond: 240,
  idleSeconds: 300,
  lingerSeconds: 5,
  keepFinishedSeconds: 300,
  historyLimit: 100,
} as const;

/** Paths for which no domain is ever started, whatever a template says: browsers ask for them unbidden. */
export const ALWAYS_IGNORED: readonly string[] = ['/favicon.ico'];

/** How the ingress finds out that a guest can be spoken to. */
export type GuestReadiness =
  /** The guest says so itself: POST /ready/NAME. */
  | { readonly kind: 'notify' }
  /** By the connection that then carries the request: no guest is spent on a probe. */
  | { readonly kind: 'tcp'; readonly port: number }
  /** By requests of its own before that: only for guests that serve many connections. */
  | { readonly kind: 'http'; readonly port: number; readonly path: string };

/** spec.http with all defaults filled in. */
export interface HttpPolicy {
  /** Port of the guest that requests go to. */
  readonly port: number;
  readonly readiness: GuestReadiness;
  /** From the slot until the guest can be spoken to; never more than requestTimeoutSeconds. */
  readonly spawnTimeoutSeconds: number;
  /** From the slot until the whole answer. */
  readonly requestTimeoutSeconds: number;
  /** Domains at once, over all replicas. */
  readonly maxConcurrent: number;
  /** Requests that wait for a slot; 0: none. */
  readonly maxQueued: number;
  readonly queueTimeoutSeconds: number;
  /** Waiting and served requests of one client; undefined: no limit. */
  readonly maxPerClient: number | undefined;
  /** Whole paths, without query, compared byte for byte. */
  readonly ignore: ReadonlySet<string>;
  /** Protocols in lower case. */
  readonly upgrades: ReadonlySet<string>;
  /** How many connections a guest serves. */
  readonly connections: 'one' | 'many';
  /** 0: no limit. */
  readonly minBytesPerSecond: number;
  /** For upgraded connections. */
  readonly idleSeconds: number;
  /** How long a domain may run after its answer was passed on; 0: deleted at once. */
  readonly lingerSeconds: number;
  /** How long a finished EphemeralDomain is kept; 0: deleted at once. */
  readonly keepFinishedSeconds: number;
  /** Finished EphemeralDomains kept by one replica of the ingress. */
  readonly historyLimit: number;
}

type Pattern = EphemeralDomainTemplate['spec']['template']['spec'];

/** What a template says of the guest's readiness; tcp on the port of its requests where it says nothing: that suits any guest. */
const readinessOf = ({ domain }: Pattern, port: number): GuestReadiness => {
  const { readiness } = domain;
  if (readiness?.notify !== undefined) return { kind: 'notify' };
  if (readiness?.tcp !== undefined) return { kind: 'tcp', port: readiness.tcp.port };
  if (readiness?.http === undefined) return { kind: 'tcp', port };
  return { kind: 'http', port: readiness.http.port, path: readiness.http.path };
};

/** How requests to a template are served. Pure; what the CRD refuses never comes here. */
export const httpPolicyOf = ({ spec }: Pick<EphemeralDomainTemplate, 'spec'>): HttpPolicy => {
  const http = spec.http ?? {};
  const said = { ...HTTP_DEFAULTS, ...http };
  const readiness = readinessOf(spec.template.spec, said.port);
  return {
    port: said.port,
    readiness,
    spawnTimeoutSeconds: Math.min(said.spawnTimeoutSeconds, said.requestTimeoutSeconds),
    requestTimeoutSeconds: said.requestTimeoutSeconds,
    maxConcurrent: said.maxConcurrent,
    maxQueued: said.maxQueued,
    queueTimeoutSeconds: said.queueTimeoutSeconds,
    maxPerClient: http.maxPerClient,
    ignore: new Set([...ALWAYS_IGNORED, ...(http.ignore ?? [])]),
    upgrades: new Set(said.upgrades),
    // A template that has its guests probed by http says thereby that they bear it.
    connections: http.connections ?? (readiness.kind === 'http' ? 'many' : 'one'),
    minBytesPerSecond: said.minBytesPerSecond,
    idleSeconds: said.idleSeconds,
    lingerSeconds: said.lingerSeconds,
    keepFinishedSeconds:
      http.keepFinishedSeconds ?? spec.template.spec.ttlSecondsAfterFinished ?? HTTP_DEFAULTS.keepFinishedSeconds,
    historyLimit: said.historyLimit,
  };
};

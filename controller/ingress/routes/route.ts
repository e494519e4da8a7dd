/**
 * Routes in the shape of Gateway API's HTTPRoute (gateway.networking.k8s.io/v1): hostnames, and rules of matches, a
 * backendRef and time-outs. Whatever routes are written in is translated to these; one table serves them all.
 */

/** The object that a route was written in. */
export interface RouteSource {
  readonly kind: 'Ingress';
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** RFC 3339: of two routes for the same requests the older one's object wins. */
  readonly creationTimestamp: string;
}

/** HTTPPathMatch. Compared byte for byte; PathPrefix by whole path elements, whether or not it ends in a slash. */
export interface PathMatch {
  readonly type: 'Exact' | 'PathPrefix';
  /** Begins with a slash. */
  readonly value: string;
}

export interface RouteMatch {
  readonly path: PathMatch;
}

export type BackendRef =
  | { readonly kind: 'EphemeralDomainTemplate'; readonly namespace: string; readonly name: string }
  /** Something that this ingress cannot serve. Its place is kept, so that its requests do not fall to another backend. */
  | { readonly kind: 'unsupported'; readonly what: string };

export interface RouteRule {
  /** Where it stands in its object, for messages: `spec.rules[0].http.paths[1]`. */
  readonly where: string;
  /** One of them must hold. */
  readonly matches: readonly RouteMatch[];
  readonly backendRef: BackendRef;
  /** HTTPRouteTimeouts; bounds the template's own requestTimeoutSeconds from above. */
  readonly timeouts?: { readonly requestSeconds: number };
  /** default: only where no rule of any route matches (Ingress' defaultBackend). */
  readonly precedence: 'rule' | 'default';
}

export interface Route {
  readonly source: RouteSource;
  /** In lower case; a first label `*` stands for exactly one label. None: every host. */
  readonly hostnames: readonly string[];
  readonly rules: readonly RouteRule[];
  /** Requests without TLS for these (hostnames, as above) are redirected to https. */
  readonly redirectToHttps: readonly string[];
}

/** Hosts whose handshakes are to show the certificate of a Secret. */
export interface TlsClaim {
  readonly source: RouteSource;
  /** `spec.tls[0]`. */
  readonly where: string;
  /** In the source's namespace. */
  readonly secretName: string;
  /** Hostnames, as a route's. */
  readonly hosts: readonly string[];
}

export type ProblemReason =
  | 'UnsupportedBackend'
  | 'TemplateNotFound'
  | 'RouteConflict'
  | 'TlsWithoutHosts'
  | 'CertificateConflict'
  | 'CertificateNotFound'
  | 'CertificateInvalid'
  | 'CertificateUnreadable'
  | 'CertificateNotValidNow'
  | 'CertificateHostMismatch'
  | 'TooManyCertificates';

/** Something in a route that does not do what it says, told by an event on its object. */
export interface Problem {
  readonly source: RouteSource;
  /** The part of the object: `spec.tls[0]`. */
  readonly where: string;
  readonly reason: ProblemReason;
  /** What is wrong, what follows, and what to do. */
  readonly message: string;
}

/** Oldest first; of two as old, the one first in the alphabet by namespace/name. */
export const compareSources = (a: RouteSource, b: RouteSource): number =>
  compareTexts(a.creationTimestamp, b.creationTimestamp) ||
  compareTexts(`${a.namespace}/${a.name}`, `${b.namespace}/${b.name}`);

/** By code units, the same in every locale. */
const compareTexts = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

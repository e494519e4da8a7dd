/** A request's head as a parser gave it, of nobody who can be trusted. */
export interface RawHead {
  /** `2.0` is HTTP/2's own; over HTTP/1 the version is what the visitor wrote. */
  readonly protocol: 'http/1' | 'http/2';
  readonly version: string;
  readonly method: string;
  readonly target: string;
  /** Names and values in turn, as they came; without HTTP/2's pseudo-headers. */
  readonly headers: readonly string[];
  /** HTTP/2's `:authority` and `:scheme`. */
  readonly authority?: string | undefined;
  readonly scheme?: string | undefined;
}

/** How a connection was made, which no header may contradict. */
export interface Peer {
  /** The address at the other end; IPv4 as such, also where it came mapped into IPv6. */
  readonly address: string;
  readonly tls: boolean;
}

export interface HeadPolicy {
  /** Whether what such a peer says about a request's origin is believed. */
  readonly isTrusted: (address: string) => boolean;
  /** So many random bytes in lower-case hex. */
  readonly randomHex: (bytes: number) => string;
}

/** How a body's end is known. */
export type Framing =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly bytes: number }
  /** Chunked, or HTTP/2's own without a length. */
  | { readonly kind: 'open' };

/** W3C trace context: https://www.w3.org/TR/trace-context/ */
export interface Trace {
  /** 32 hex digits. */
  readonly traceId: string;
  /** The ingress' own span of this request, 16 hex digits; the guest is told it as its parent. */
  readonly spanId: string;
  readonly sampled: boolean;
  /** The caller's span: the parent of ours where it is trusted, else what a new trace is linked to. */
  readonly parent?: { readonly traceId: string; readonly spanId: string; readonly trusted: boolean };
}

/** A request's head once it is settled: one host, one target, one framing. */
export interface Head {
  readonly protocol: 'http/1' | 'http/2';
  readonly version: '1.0' | '1.1' | '2.0';
  readonly method: string;
  /** Path and query, byte for byte as the visitor wrote them. */
  readonly target: string;
  readonly path: string;
  /** Lower case, without port and final dot: what routes are matched by. */
  readonly host: string;
  /** Host and port as the visitor gave them. */
  readonly authority: string;
  /** The visitor's own scheme, behind a trusted proxy what that says. */
  readonly scheme: 'http' | 'https';
  /** The visitor's address, behind trusted proxies the last that none of them is. */
  readonly client: string;
  readonly framing: Framing;
  /** Whether the visitor waits for a 100 before it sends its body. */
  readonly expectsContinue: boolean;
  /** Whether the visitor takes trailers. */
  readonly takesTrailers: boolean;
  /** Protocols that it would switch to, lower case; none where the form of the request forbids a switch. */
  readonly upgrades: readonly string[];
  /** What the visitor accepts, as one list; empty where it does not say. */
  readonly accept: string;
  /**
   * For the guest: names and values in turn, without anything that belongs to one connection alone, and no framing. Made
   * when they are asked for: of a crowd few get a guest.
   */
  readonly headers: () => readonly string[];
  readonly trace: Trace;
}

/** A request that goes no further. */
export interface Refusal {
  readonly kind: 'refused';
  readonly status: 400 | 405 | 408 | 417 | 421 | 431 | 501 | 505;
  /** A sentence of our own words, for the visitor and the log. */
  readonly why: string;
  readonly allow?: string;
}

export type HeadReading =
  | { readonly kind: 'request'; readonly head: Head }
  | Refusal
  /** `OPTIONS *` asks the server itself, which answers. */
  | { readonly kind: 'server-options'; readonly allow: string };

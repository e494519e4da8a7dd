import { traceparentOf } from '#controller/observe/tracing.ts';
import { fieldsOf, isOrigin, tokensOf, valuesOf } from './fields.ts';
import type { Field } from './fields.ts';
import type { HeadPolicy, Peer, Trace } from './types.ts';

/** Where a request came from, as far as its peer may say. */
export interface Origin {
  readonly client: string;
  readonly scheme: 'http' | 'https';
  /** As the visitor wrote it, behind a trusted proxy as that says. */
  readonly host: string;
  /** Addresses that it came by, the peer's last. */
  readonly hops: readonly string[];
}

const bare = (address: string): string => address.replace(/^\[|\](:\d+)?$/g, '').replace(/^::ffff:/i, '');

const isAddress = (text: string): boolean => /^[0-9a-f:.]{2,45}$/i.test(text);

/** The last address that no trusted proxy has, read from the peer backwards. */
const clientOf = (chain: readonly string[], peer: string, policy: HeadPolicy): string => {
  let client = peer;
  for (const hop of [...chain].reverse()) {
    if (!policy.isTrusted(client) || !isAddress(hop)) break;
    client = hop;
  }
  return client;
};

const last = (values: readonly string[]): string | undefined => values.at(-1)?.split(',').at(-1)?.trim();

/** Of X-Forwarded-For, -Proto and -Host only a trusted proxy's are believed. */
export const originOf = (fields: readonly Field[], peer: Peer, authority: string, policy: HeadPolicy): Origin => {
  const trusted = policy.isTrusted(peer.address);
  const own = peer.tls ? 'https' : 'http';
  const chain = trusted ? tokensOf(fields, 'x-forwarded-for').map(bare).filter(isAddress) : [];
  const said = trusted ? last(valuesOf(fields, 'x-forwarded-proto'))?.toLowerCase() : undefined;
  const scheme = said === 'http' || said === 'https' ? said : own;
  const saidHost = trusted ? last(valuesOf(fields, 'x-forwarded-host')) : undefined;
  const host = saidHost !== undefined && /^[\w.:[\]-]{1,255}$/.test(saidHost) ? saidHost : authority;
  return { client: clientOf(chain, peer.address, policy), scheme, host, hops: [...chain, peer.address] };
};

/** X-Forwarded-For, -Proto and -Host, X-Real-IP and Forwarded (RFC 7239), made anew, for the guest. */
export const originHeaders = ({ client, scheme, host, hops }: Origin): readonly Field[] => {
  const node = (address: string) => (address.includes(':') ? `"[${address}]"` : address);
  const forwarded = hops.map((hop, i) => `for=${node(hop)}${i === 0 ? `;proto=${scheme};host="${host}"` : ''}`);
  return fieldsOf([
    ...['X-Forwarded-For', hops.join(', ')],
    ...['X-Forwarded-Proto', scheme],
    ...['X-Forwarded-Host', host],
    ...['X-Real-IP', client],
    ...['Forwarded', forwarded.join(', ')],
  ]);
};

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** The caller's context where it is well-formed; https://www.w3.org/TR/trace-context/#traceparent-header */
const readTraceparent = (
  values: readonly string[],
): { traceId: string; spanId: string; sampled: boolean } | undefined => {
  const match = values.length === 1 ? TRACEPARENT.exec(values[0] ?? '') : null;
  const [, version = '', traceId = '', spanId = '', flags = '', more] = match ?? [];
  if (match === null || version === 'ff' || (version === '00' && more !== undefined)) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, sampled: (parseInt(flags, 16) & 1) === 1 };
};

/** A trusted caller's trace goes on; anyone else's is what the new one is linked to, so that no stranger joins a trace. */
export const traceOf = (fields: readonly Field[], peer: Peer, policy: HeadPolicy): Trace => {
  const caller = readTraceparent(valuesOf(fields, 'traceparent'));
  const spanId = policy.randomHex(8);
  if (caller === undefined) return { traceId: policy.randomHex(16), spanId, sampled: true };
  const trusted = policy.isTrusted(peer.address);
  const parent = { traceId: caller.traceId, spanId: caller.spanId, trusted };
  return trusted
    ? { traceId: caller.traceId, spanId, sampled: caller.sampled, parent }
    : { traceId: policy.randomHex(16), spanId, sampled: true, parent };
};

/** The headers of a trace, for the guest; the vendors' state only of a trace that goes on. */
export const traceHeaders = (fields: readonly Field[], trace: Trace): readonly Field[] => {
  const traceparent = traceparentOf(trace);
  const state = trace.parent?.trusted === true ? valuesOf(fields, 'tracestate') : [];
  return fieldsOf(['traceparent', traceparent, ...state.flatMap((value) => ['tracestate', value])]);
};

/** Whether a header is made anew here, or left out. */
export const isMadeAnew = (key: string): boolean => isOrigin(key) || key === 'traceparent' || key === 'tracestate';

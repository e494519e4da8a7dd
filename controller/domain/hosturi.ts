import { isIPv4, isIPv6 } from 'node:net';

import type { HypervisorKind } from './xml.ts';

/** A libvirt URI that Hatchery accepts for a host. */
export interface HostUri {
  /** As given; what the libvirt client connects to. */
  readonly text: string;
  readonly kind: HypervisorKind;
  readonly transport: 'tls' | 'unix' | 'tcp';
}

export type HostUriReading =
  { readonly ok: true; readonly uri: HostUri } | { readonly ok: false; readonly why: string };

const SCHEMES: ReadonlyMap<string, Pick<HostUri, 'kind' | 'transport'>> = new Map(
  (['xen', 'lxc', 'test'] as const).flatMap((kind) =>
    (['tls', 'unix', 'tcp'] as const).map((transport) => [`${kind}+${transport}:`, { kind, transport }] as const),
  ),
);

const PATHS: Readonly<Record<HypervisorKind, string>> = { xen: '/system', lxc: '/system', test: '/default' };

const refused = (why: string): HostUriReading => ({ ok: false, why });

/** 127.0.0.0/8 and ::1; a name is not looked up, so it is none. */
const isLoopback = (host: string): boolean =>
  (isIPv4(host) && host.startsWith('127.')) || host === '[::1]' || host === 'localhost';

const isHost = (host: string): boolean =>
  isIPv4(host) ||
  (host.startsWith('[') && isIPv6(host.slice(1, -1))) ||
  /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i.test(host);

/**
 * Reads the URI of a host. Accepted: `xen+tls://HOST[:PORT]/system`, `xen+unix:///system?socket=PATH`, and for test beds
 * the same with `lxc`, with `test` (path `/default`), and `+tcp` to loopback. Credentials come from the controller's
 * configuration alone, so a URI that could name others, or weaken verification, is refused.
 */
export const readHostUri = (text: string): HostUriReading => {
  if (!URL.canParse(text)) return refused(`${JSON.stringify(text)} is no URI such as xen+tls://192.0.2.7/system`);
  const url = new URL(text);
  const scheme = SCHEMES.get(url.protocol);
  if (scheme === undefined) {
    return refused(
      `scheme ${url.protocol.slice(0, -1)} is none of xen+tls, xen+unix (lxc, test and +tcp for test beds)`,
    );
  }
  if (url.username !== '' || url.password !== '')
    return refused('a user or password in the URI is never used; leave it out');
  if (url.hash !== '') return refused('a fragment (#…) has no meaning here; leave it out');
  const path = PATHS[scheme.kind];
  if (url.pathname !== path) return refused(`the path must be ${path}, not ${JSON.stringify(url.pathname)}`);
  const why = scheme.transport === 'unix' ? unixFault(url) : networkFault(url, scheme.transport);
  return why === undefined ? { ok: true, uri: { text, ...scheme } } : refused(why);
};

const unixFault = (url: URL): string | undefined => {
  if (url.host !== '') return `a unix URI has no host (${url.host}): write three slashes`;
  const others = [...url.searchParams.keys()].filter((key) => key !== 'socket');
  if (others.length > 0) return `option ${others[0] ?? ''} is not accepted; only socket is`;
  const sockets = url.searchParams.getAll('socket');
  if (sockets.length > 1) return 'socket is given more than once';
  return sockets[0]?.startsWith('/') === false ? `socket must be an absolute path, not ${sockets[0]}` : undefined;
};

const networkFault = (url: URL, transport: 'tls' | 'tcp'): string | undefined => {
  const [option] = url.searchParams.keys();
  if (option !== undefined) {
    return `option ${option} is not accepted: credentials and verification are the controller's own configuration`;
  }
  if (!isHost(url.hostname)) return `${JSON.stringify(url.hostname)} is no host name or address`;
  if (transport === 'tcp' && !isLoopback(url.hostname)) {
    return `unencrypted TCP is for loopback only, not for ${url.hostname}: use tls`;
  }
  return undefined;
};

import { isIPv4, isIPv6 } from 'node:net';

/** A URI that this client does not connect to; the message names the URI and says why. */
export class LibvirtUriError extends Error {
  constructor(uri: string, why: string) {
    super(`libvirt URI ${JSON.stringify(uri)}: ${why}`);
    this.name = 'LibvirtUriError';
  }
}

/** Where a daemon listens. */
export type Endpoint =
  | { readonly transport: 'unix'; readonly path: string }
  | { readonly transport: 'tls'; readonly host: string; readonly port: number }
  | { readonly transport: 'tcp'; readonly host: string; readonly port: number };

/** A libvirt URI taken apart. */
export interface LibvirtUri {
  /** As given. */
  readonly text: string;
  /** `xen`, `lxc`, `test`, … */
  readonly driver: string;
  /** What OPEN is sent: the URI without its transport, host and options, such as `xen:///system`. */
  readonly remote: string;
  readonly endpoint: Endpoint;
}

const DEFAULT_SOCKET = '/run/libvirt/libvirt-sock';
const TLS_PORT = 16514;
const TCP_PORT = 16509;
const FORM = /^([a-z][a-z0-9]*)\+([a-z0-9]+):$/;
const HOST_NAME = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i;

/**
 * Reads a libvirt URI (https://libvirt.org/uri.html): `DRIVER+TRANSPORT://[HOST[:PORT]]/PATH[?socket=FILE]` with
 * transport unix, tls or tcp. TCP is unencrypted, so it is for 127.0.0.0/8, [::1] and localhost alone. No option but
 * `socket` is taken (with unix): the rest would weaken verification or name credentials, which the caller gives apart.
 *
 * @throws LibvirtUriError
 */
export const parseUri = (text: string): LibvirtUri => {
  const refuse = (why: string): never => {
    throw new LibvirtUriError(text, why);
  };
  if (!URL.canParse(text)) return refuse('is no URI such as xen+tls://192.0.2.7/system');
  const url = new URL(text);
  const [, driver, transport] = FORM.exec(url.protocol) ?? [];
  if (driver === undefined || (transport !== 'unix' && transport !== 'tls' && transport !== 'tcp')) {
    return refuse('the scheme must be DRIVER+unix, DRIVER+tls or DRIVER+tcp');
  }
  if (url.username !== '' || url.password !== '') return refuse('a user or password has no meaning here');
  if (url.hash !== '') return refuse('a fragment (#…) has no meaning here');
  if (url.pathname === '' || url.pathname === '/') return refuse('a path such as /system is missing');
  const remote = `${driver}://${url.pathname}`;
  const why = optionFault(url, transport);
  if (why !== undefined) return refuse(why);
  if (transport === 'unix') {
    if (url.host !== '') return refuse(`a unix URI has no host (${url.host}): write three slashes`);
    const path = url.searchParams.get('socket') ?? DEFAULT_SOCKET;
    if (!path.startsWith('/') || path.includes('\0')) return refuse('socket must be an absolute path');
    return { text, driver, remote, endpoint: { transport, path } };
  }
  const named = url.hostname.replace(/^\[(.*)\]$/, '$1');
  // Not looked up: what a resolver makes of the name could leave this machine.
  const host = transport === 'tcp' && named === 'localhost' ? '127.0.0.1' : named;
  if (!isIPv4(host) && !isIPv6(host) && !HOST_NAME.test(host)) return refuse('a host name or address is missing');
  if (transport === 'tcp' && !isLoopback(host)) {
    return refuse(`unencrypted TCP is for loopback addresses only, not for ${host}: use tls`);
  }
  const port = url.port === '' ? (transport === 'tls' ? TLS_PORT : TCP_PORT) : Number(url.port);
  if (port === 0) return refuse('port 0 is none to connect to');
  return { text, driver, remote, endpoint: { transport, host, port } };
};

const optionFault = (url: URL, transport: string): string | undefined => {
  const options = [...url.searchParams.keys()];
  const other = options.find((option) => transport !== 'unix' || option !== 'socket');
  if (other !== undefined) return `option ${other} is not accepted; only socket is, with unix`;
  return options.length > 1 ? 'socket is given more than once' : undefined;
};

const isLoopback = (host: string): boolean => (isIPv4(host) && host.startsWith('127.')) || host === '::1';

import type { RequestOptions } from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';

/** Where a configuration comes from. Without either field: $KUBECONFIG, ~/.kube/config, then in-cluster. */
export interface KubeConfigSource {
  /** Path of a kubeconfig file. */
  readonly kubeconfig?: string | undefined;
  /** Context in it; default: its current-context. */
  readonly context?: string | undefined;
}

/** Where client-node points when it found no configuration at all. */
const NOTHING_FOUND = 'http://localhost:8080';

/** What a connection and a request need. Never logged. */
export interface Credentials {
  /** Authorization and Impersonate-User, where they apply. */
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: TlsCredentials;
}

export interface TlsCredentials {
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  readonly passphrase?: string;
  readonly servername?: string;
}

export interface ClientConfig {
  /** e.g. https://127.0.0.1:6443, perhaps with a path; without a trailing slash. */
  readonly server: string;
  /** The context's namespace, 'default' if it says none. */
  readonly namespace: string;
  /** Current credentials; called for each request, cached by the client for some seconds (tokens rotate). */
  credentials(): Promise<Credentials>;
}

/** A configuration that cannot work: message is one sentence naming the file or variable and the cause. */
export class KubeConfigError extends Error {
  override readonly name = 'KubeConfigError';
}

/**
 * Reads a kubeconfig or the in-cluster configuration by client-node, which also supplies tokens, client certificates and
 * exec helpers. Throws KubeConfigError. Refused: insecure-skip-tls-verify, http://, proxy-url.
 */
export async function loadKubeConfig(source: KubeConfigSource = {}): Promise<ClientConfig> {
  // Imported late: it costs 0.7 s and 130 MB, which what only needs this folder's other parts should not pay.
  const clientNode = await import('@kubernetes/client-node');
  const config = new clientNode.KubeConfig();
  const origin = source.kubeconfig ?? process.env['KUBECONFIG'] ?? 'the default kubeconfig or in-cluster configuration';
  const refuse = (why: string, cause?: unknown): KubeConfigError =>
    new KubeConfigError(`kubeconfig ${origin}: ${why}`, { cause });
  try {
    if (source.kubeconfig !== undefined) config.loadFromFile(source.kubeconfig);
    else config.loadFromDefault();
    if (source.context !== undefined) config.setCurrentContext(source.context);
  } catch (error) {
    // client-node trips over what is YAML but no mapping.
    throw refuse(error instanceof TypeError ? 'is no kubeconfig' : oneLine(error), error);
  }
  if (source.kubeconfig === undefined && config.getCurrentCluster()?.server === NOTHING_FOUND) {
    throw new KubeConfigError('no kubeconfig: name one with --kubeconfig or KUBECONFIG, or run in a cluster');
  }
  const server = checkCluster(config, refuse);
  const namespace = config.getContextObject(config.getCurrentContext())?.namespace ?? 'default';
  const clientConfig = { server, namespace, credentials: () => credentialsOf(config) };
  try {
    await clientConfig.credentials();
  } catch (error) {
    throw refuse(`user's credentials: ${oneLine(error)}`, error);
  }
  return clientConfig;
}

function checkCluster(config: KubeConfig, refuse: (why: string, cause?: unknown) => KubeConfigError): string {
  const context = config.getCurrentContext();
  const contexts = config.getContexts().map((each) => each.name);
  if (!context) throw refuse('has no current-context; name one with --context');
  if (!contexts.includes(context)) throw refuse(`has no context ${context}, only: ${contexts.join(', ')}`);
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw refuse(`context ${context} names a cluster that is not there`);
  if (config.getCurrentUser() === null) throw refuse(`context ${context} names a user that is not there`);
  if (cluster.skipTLSVerify)
    throw refuse('insecure-skip-tls-verify is refused; give the certificate-authority instead');
  if (cluster.proxyUrl !== undefined && cluster.proxyUrl !== '') throw refuse('proxy-url is not supported');
  if (!URL.canParse(cluster.server)) throw refuse(`server ${cluster.server} is no URL`);
  const url = new URL(cluster.server);
  if (url.protocol !== 'https:') throw refuse(`server ${cluster.server} is refused: only https:// is accepted`);
  return cluster.server.replace(/\/+$/, '');
}

/** applyToHTTPSOptions fills all this in; applySecurityAuthentication would make a new connection pool for each call. */
async function credentialsOf(config: KubeConfig): Promise<Credentials> {
  const options: RequestOptions = { headers: {} };
  await config.applyToHTTPSOptions(options);
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(options.headers ?? {})) {
    if (typeof value === 'string') headers[name.toLowerCase()] = value.trim();
  }
  if (typeof options.auth === 'string') {
    headers['authorization'] = `Basic ${Buffer.from(options.auth).toString('base64')}`;
  }
  const tls: Partial<Record<keyof TlsCredentials, string | Buffer>> = {};
  for (const name of ['ca', 'cert', 'key', 'passphrase', 'servername'] as const) {
    const value = options[name];
    if (typeof value === 'string' || Buffer.isBuffer(value)) tls[name] = value;
  }
  return { headers, tls: tls as TlsCredentials };
}

/** Parsers answer with several lines and an excerpt of the file, which may hold a token: the first line must do. */
function oneLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return (text.split('\n')[0] ?? '').slice(0, 300);
}

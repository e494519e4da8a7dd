import { EPHEMERAL_DOMAIN_TEMPLATES } from '#controller/api/index.ts';
import type { Ingress, IngressBackend, IngressPath } from '#controller/kube/index.ts';
import type { BackendRef, PathMatch, Problem, Route, RouteRule, RouteSource, TlsClaim } from './route.ts';

/** Annotation of an Ingress: "true" redirects plain HTTP to HTTPS for its hosts that stand in spec.tls. Off by default. */
export const SSL_REDIRECT = 'hatchery.dev/ssl-redirect';

/** What an Ingress comes to. */
export interface Translation {
  readonly routes: readonly Route[];
  readonly claims: readonly TlsClaim[];
  readonly problems: readonly Problem[];
}

/** Translates an Ingress that is ours. Pure: whether templates and Secrets exist is seen when the table is built. */
export const translateIngress = (ingress: Ingress): Translation => {
  const { spec = {}, metadata } = ingress;
  const source = sourceOf(ingress);
  const { claims, problems, hosts } = translateTls(ingress, source);
  const redirectToHttps = metadata.annotations?.[SSL_REDIRECT] === 'true' ? hosts : [];
  const rules = spec.rules ?? [];
  const routes = rules.flatMap(({ host, http }, index): readonly Route[] =>
    http === undefined
      ? []
      : [
          {
            source,
            hostnames: hostnames(host),
            rules: http.paths.map((path, at) => ruleOf(path, source, `spec.rules[${index}].http.paths[${at}]`)),
            redirectToHttps,
          },
        ],
  );
  if (spec.defaultBackend === undefined) return { routes, claims, problems };
  const everyHost = rules.some(({ host }) => hostnames(host).length === 0);
  const defaults: Route = {
    source,
    // Of an Ingress that names hosts it serves those: another tenant's hosts are none of its business.
    hostnames: everyHost ? [] : [...new Set(rules.flatMap(({ host }) => hostnames(host)))],
    rules: [defaultRule(spec.defaultBackend, source)],
    redirectToHttps,
  };
  return { routes: [...routes, defaults], claims, problems };
};

export const sourceOf = ({ metadata }: Ingress): RouteSource => ({
  kind: 'Ingress',
  namespace: metadata.namespace ?? '',
  name: metadata.name,
  uid: metadata.uid,
  creationTimestamp: metadata.creationTimestamp,
});

const hostnames = (host: string | undefined): readonly string[] =>
  host === undefined || host === '' ? [] : [host.toLowerCase()];

const ruleOf = ({ path, pathType, backend }: IngressPath, source: RouteSource, where: string): RouteRule => {
  const value = path === undefined || path === '' ? '/' : path;
  return {
    where,
    matches: [{ path: { type: typeOf(pathType), value } }],
    backendRef: backendRefOf(backend, source),
    precedence: 'rule',
  };
};

const defaultRule = (backend: IngressBackend, source: RouteSource): RouteRule => ({
  where: 'spec.defaultBackend',
  matches: [{ path: { type: 'PathPrefix', value: '/' } }],
  backendRef: backendRefOf(backend, source),
  precedence: 'default',
});

const typeOf = (pathType: IngressPath['pathType']): PathMatch['type'] => {
  switch (pathType) {
    case 'Exact':
      return 'Exact';
    case 'Prefix':
    case 'ImplementationSpecific':
      return 'PathPrefix';
  }
};

const backendRefOf = ({ resource, service }: IngressBackend, { namespace }: RouteSource): BackendRef => {
  const { group, kind } = EPHEMERAL_DOMAIN_TEMPLATES;
  if (resource?.apiGroup === group && resource.kind === kind) {
    return { kind: 'EphemeralDomainTemplate', namespace, name: resource.name };
  }
  if (service !== undefined) return { kind: 'unsupported', what: `Service "${service.name}"` };
  if (resource === undefined) return { kind: 'unsupported', what: 'empty' };
  const dotted = resource.apiGroup === undefined ? '' : `.${resource.apiGroup}`;
  return { kind: 'unsupported', what: `${resource.kind}${dotted} "${resource.name}"` };
};

/** `hosts`: all that are served over TLS, whether by a Secret or by the default certificate. */
const translateTls = (
  { spec = {} }: Ingress,
  source: RouteSource,
): Pick<Translation, 'claims' | 'problems'> & { readonly hosts: readonly string[] } => {
  const named = (spec.rules ?? []).flatMap(({ host }) => hostnames(host));
  const claims: TlsClaim[] = [];
  const problems: Problem[] = [];
  const covered: string[] = [];
  for (const [index, entry] of (spec.tls ?? []).entries()) {
    const where = `spec.tls[${index}]`;
    const own = (entry.hosts ?? []).flatMap(hostnames);
    const hosts = own.length > 0 ? own : named;
    covered.push(...hosts);
    if (entry.secretName === undefined || entry.secretName === '') continue;
    if (hosts.length > 0) claims.push({ source, where, secretName: entry.secretName, hosts });
    else problems.push(withoutHosts(source, where, entry.secretName));
  }
  return { claims, problems, hosts: covered };
};

const withoutHosts = (source: RouteSource, where: string, secretName: string): Problem => ({
  source,
  where,
  reason: 'TlsWithoutHosts',
  message:
    `${where}: it is not said for which hosts the certificate in Secret "${secretName}" is, and no rule names a host, ` +
    `so it is not used: list them in ${where}.hosts`,
});

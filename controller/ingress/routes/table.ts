import { httpPolicyOf } from '#controller/api/index.ts';
import type { EphemeralDomainTemplate, HttpPolicy } from '#controller/api/index.ts';
import type { TemplateLimits } from '../admission/index.ts';
import { hostOf, wildcardOf } from './hostnames.ts';
import { PathMap } from './paths.ts';
import { compareSources } from './route.ts';
import type { Problem, Route, RouteRule } from './route.ts';

/** What serves a request. */
export interface Backend {
  /** Of the template, and of the domains made from it. */
  readonly namespace: string;
  /** The template's name. */
  readonly template: string;
  /** As it was when the table was made. */
  readonly resource: EphemeralDomainTemplate;
  readonly ingress: { readonly namespace: string; readonly name: string };
  readonly http: HttpPolicy;
  /** Of its crowd, as `http` has them. */
  readonly limits: TemplateLimits;
}

export type Match =
  | { readonly kind: 'backend'; readonly backend: Backend }
  /** To be answered with this status and the same host and target under https. */
  | { readonly kind: 'redirect'; readonly scheme: 'https'; readonly status: 308 }
  /** A route matches, but nothing can serve it: 503. */
  | {
      readonly kind: 'unserved';
      readonly reason: 'TemplateNotFound' | 'UnsupportedBackend';
      readonly ingress: { readonly namespace: string; readonly name: string };
    }
  /** No route: 404. */
  | { readonly kind: 'none' };

/** Of a request whose head was checked. */
export interface RequestTarget {
  /** Host or :authority as received, perhaps with a port. */
  readonly host: string;
  /** As received, without query. */
  readonly path: string;
  readonly tls: boolean;
}

/** Routes ready for requests. Never changes: a change of routes makes a new one. */
export interface RouteTable {
  match(target: RequestTarget): Match;
}

export type FindTemplate = (namespace: string, name: string) => EphemeralDomainTemplate | undefined;

interface Target {
  readonly route: Route;
  readonly where: string;
  readonly match: Exclude<Match, { readonly kind: 'redirect' | 'none' }>;
  readonly redirectToHttps: ReadonlySet<string>;
}

const EVERY_HOST = '';
const REDIRECT: Match = { kind: 'redirect', scheme: 'https', status: 308 };
const NONE: Match = { kind: 'none' };

/**
 * Builds the table. A request goes to the rule that matches both its host and its path, by these precedences: the exact host
 * before the wildcard's before every host's; then the exact path, then the longest prefix; and where no rule matches, to a
 * default in the same order of hosts. Of two rules for the same host and path the older object's counts, and the other is a
 * problem.
 */
export const buildTable = (
  routes: readonly Route[],
  findTemplate: FindTemplate,
): { readonly table: RouteTable; readonly problems: readonly Problem[] } => {
  const layers = { rule: new Map<string, PathMap<Target>>(), default: new Map<string, PathMap<Target>>() };
  const problems: Problem[] = [];
  for (const route of routes.toSorted((a, b) => compareSources(a.source, b.source))) {
    const redirectToHttps = new Set(route.redirectToHttps);
    const hosts = route.hostnames.length === 0 ? [EVERY_HOST] : route.hostnames;
    for (const rule of route.rules) {
      const { match, problem } = resolve(route, rule, findTemplate);
      if (problem !== undefined) problems.push(problem);
      const target: Target = { route, where: rule.where, match, redirectToHttps };
      for (const host of hosts) problems.push(...place(layers[rule.precedence], host, rule, target));
    }
  }
  const ordered = [layers.rule, layers.default];
  return { table: { match: (request) => matchIn(ordered, request) }, problems };
};

const matchIn = (layers: readonly ReadonlyMap<string, PathMap<Target>>[], request: RequestTarget): Match => {
  const host = hostOf(request.host);
  const patterns = [host, wildcardOf(host), EVERY_HOST];
  for (const layer of layers) {
    for (const pattern of patterns) {
      const target = pattern === undefined ? undefined : layer.get(pattern)?.find(request.path);
      if (target === undefined) continue;
      return !request.tls && isRedirected(target.redirectToHttps, host) ? REDIRECT : target.match;
    }
  }
  return NONE;
};

const isRedirected = (hosts: ReadonlySet<string>, host: string): boolean =>
  hosts.size > 0 && (hosts.has(host) || hosts.has(wildcardOf(host) ?? host));

const place = (
  layer: Map<string, PathMap<Target>>,
  host: string,
  rule: RouteRule,
  target: Target,
): readonly Problem[] => {
  const paths = layer.get(host) ?? new PathMap<Target>();
  layer.set(host, paths);
  return rule.matches.flatMap(({ path }) => {
    const winner = paths.add(path.type, path.value, target);
    return winner === undefined || winner === target ? [] : [conflict(target, winner, host, path.value)];
  });
};

const conflict = ({ route, where }: Target, winner: Target, host: string, path: string): Problem => {
  const { kind, namespace, name, uid } = winner.route.source;
  const other = uid === route.source.uid ? 'the same object' : `${kind} ${namespace}/${name}, which is older`;
  const message =
    `${where}: host ${host === EVERY_HOST ? '(every)' : host} and path ${path} are served by ${winner.where} of ${other}; ` +
    'this one is not used: change its host or path, or remove one of them';
  return { source: route.source, where: `${where} ${host}`, reason: 'RouteConflict', message };
};

const resolve = (
  route: Route,
  rule: RouteRule,
  findTemplate: FindTemplate,
): { readonly match: Target['match']; readonly problem?: Problem } => {
  const { source } = route;
  const { backendRef, where } = rule;
  const ingress = { namespace: source.namespace, name: source.name };
  const unserved = (reason: 'TemplateNotFound' | 'UnsupportedBackend', message: string) => ({
    match: { kind: 'unserved', reason, ingress } as const,
    problem: { source, where, reason, message },
  });
  if (backendRef.kind === 'unsupported') {
    const message =
      `${where}: the backend is ${backendRef.what}, which this ingress cannot serve, and its requests are answered 503: ` +
      'name a resource of apiGroup hatchery.dev and kind EphemeralDomainTemplate, or move the path to an Ingress of another class';
    return unserved('UnsupportedBackend', message);
  }
  const { namespace, name } = backendRef;
  const template = findTemplate(namespace, name);
  if (template === undefined) {
    const message =
      `${where}: there is no EphemeralDomainTemplate "${name}" in namespace ${namespace}, and requests are answered 503: ` +
      'create it, or correct the name';
    return unserved('TemplateNotFound', message);
  }
  const http = boundedBy(rule, httpPolicyOf(template));
  const backend = { namespace, template: name, resource: template, ingress, http, limits: limitsOf(http) };
  return { match: { kind: 'backend', backend } };
};

const limitsOf = ({ maxConcurrent, maxQueued, maxPerClient, queueTimeoutSeconds }: HttpPolicy): TemplateLimits => ({
  ...{ maxConcurrent, maxQueued, maxPerClient, queueTimeoutMs: queueTimeoutSeconds * 1_000 },
});

const boundedBy = ({ timeouts }: RouteRule, http: HttpPolicy): HttpPolicy => {
  if (timeouts === undefined) return http;
  const requestTimeoutSeconds = Math.min(http.requestTimeoutSeconds, timeouts.requestSeconds);
  const spawnTimeoutSeconds = Math.min(http.spawnTimeoutSeconds, requestTimeoutSeconds);
  return { ...http, requestTimeoutSeconds, spawnTimeoutSeconds };
};

/** Hosts of requests, and the host patterns of routes and certificates. */

/** A request's host as routes are compared with it: in lower case, without port and without the root's dot. */
export const hostOf = (authority: string): string => {
  const bracket = authority.startsWith('[') ? authority.indexOf(']') : 0;
  const colon = authority.indexOf(':', Math.max(bracket, 0));
  const host = (colon < 0 ? authority : authority.slice(0, colon)).toLowerCase();
  return host.endsWith('.') ? host.slice(0, -1) : host;
};

/** The only pattern with a wildcard that a host can suit: `*` for its first label. Undefined for a single label. */
export const wildcardOf = (host: string): string | undefined => {
  const dot = host.indexOf('.');
  return dot <= 0 || dot === host.length - 1 ? undefined : `*${host.slice(dot)}`;
};

/** What of a map by host patterns suits a host: the host's own entry, else the wildcard's. */
export const findByHost = <T>(byPattern: ReadonlyMap<string, T>, host: string): T | undefined => {
  const own = byPattern.get(host);
  if (own !== undefined) return own;
  const wildcard = wildcardOf(host);
  return wildcard === undefined ? undefined : byPattern.get(wildcard);
};

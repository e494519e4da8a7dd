/** The syntax of hosts and targets, stricter than any parser: what two readers could understand in two ways is refused. */

export interface Authority {
  /** Lower case, without a final dot. */
  readonly host: string;
  readonly text: string;
}

const NAME = /^(?=.{1,254}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.?$/i;
const IPV6 = /^\[[0-9a-f:.]{2,45}\]$/i;
const PORT = /^[1-9][0-9]{0,4}$/;

/** Host and port of a Host header; undefined where it is no valid one. */
export const readAuthority = (text: string): Authority | undefined => {
  const match = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/.exec(text);
  const [host = '', port] = [match?.[1], match?.[2]];
  if (match === null || (!NAME.test(host) && !IPV6.test(host))) return undefined;
  if (port !== undefined && !(PORT.test(port) && Number(port) <= 65_535)) return undefined;
  return { host: host.toLowerCase().replace(/\.$/, ''), text };
};

/** What of a target must not be there; undefined where it is sound. */
export const faultOfTarget = (target: string): string | undefined => {
  if (!target.startsWith('/')) return 'the target must begin with /';
  if (!/^[\x21-\x7e]*$/.test(target)) return 'the target has a blank, a control or a byte above 0x7E';
  if (target.includes('#')) return 'the target has a fragment';
  if (target.includes('\\')) return 'the target has a backslash';
  return hasDotSegment(pathOf(target)) ? 'the path has a dot segment' : undefined;
};

/** A path's part of a target. */
export const pathOf = (target: string): string => target.split('?', 1)[0] ?? '';

/** Also encoded: a guest may decode before it takes a path apart. */
const hasDotSegment = (path: string): boolean =>
  path
    .split(/\/|%2f|%5c/i)
    .map((segment) => segment.replace(/%2e/gi, '.'))
    .some((segment) => segment === '.' || segment === '..');

export interface AbsoluteForm {
  readonly scheme: 'http' | 'https';
  readonly authority: string;
  readonly target: string;
}

/** `http://HOST/PATH`, as it is sent to proxies; undefined where a target is no such one. */
export const readAbsoluteForm = (target: string): AbsoluteForm | undefined => {
  const match = /^(https?):\/\/([^/?#]*)(.*)$/is.exec(target);
  if (match === null) return undefined;
  const [, scheme = '', authority = '', rest = ''] = match;
  return {
    scheme: scheme.toLowerCase() === 'https' ? 'https' : 'http',
    authority,
    target: rest.startsWith('/') ? rest : `/${rest}`,
  };
};

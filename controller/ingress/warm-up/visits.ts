import type { OwnCrowd } from './visitors.ts';

/**
 * What visitors ask for, one after the other: what a crowd asks for most, and among it what is answered in other ways. V8
 * compiles for what it has seen: after a warm-up of one kind of request alone, the first of each other kind had it throw
 * away, and compile anew, what that kind shares with all.
 */
export const visitsTo = ({ full, roomy }: OwnCrowd['hosts']): readonly (readonly string[])[] => {
  const refused = [get('/', full, PLAIN, LAST)];
  return [
    [get('/', full, BROWSER), get('/', full, BROWSER, LAST)],
    refused,
    [get('/', roomy, PLAIN, LAST)],
    refused,
    [get('/favicon.ico', full, BROWSER)],
    refused,
    [get('/not/there', full, PLAIN), get('/not/there', full, PLAIN, LAST)],
    ...[refused, refused, refused],
  ];
};

const PLAIN = ['User-Agent: warm-up', 'Accept: */*'];
/** As browsers send them, and proxies. */
const BROWSER = [
  'User-Agent: Mozilla/5.0 (warm-up)',
  'Accept: text/html,application/xhtml+xml,*/*;q=0.8',
  'Accept-Language: en',
  'Accept-Encoding: gzip, deflate, br',
  'Cookie: a=b; c=d',
  'X-Forwarded-For: 192.0.2.1',
  'X-Forwarded-Proto: http',
];
const LAST = ['Connection: close'];

const get = (path: string, host: string, ...fields: readonly (readonly string[])[]): string =>
  [`GET ${path} HTTP/1.1`, `Host: ${host}`, ...fields.flat(), '', ''].join('\r\n');

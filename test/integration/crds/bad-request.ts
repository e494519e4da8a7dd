import type { BadInput } from './bad-input.ts';
import { SMALLEST } from './support.ts';
import type { Fields } from './support.ts';

const TIME = '2026-01-02T03:04:05.678901Z';
const TOKEN = '0123456789abcdef'.repeat(2);

const request = (what: string, fields: Fields, field: string, says: string): BadInput => ({
  what: `request with ${what}`,
  spec: { ...SMALLEST, request: { receivedTime: TIME, ...fields } },
  field: `spec.request.${field}`,
  says,
  saysInTemplate: null,
});

const notify = (what: string, fields: Fields, field: string, says: string): BadInput =>
  request(what, { notify: { host: '10.0.0.7', port: 9404, token: TOKEN, ...fields } }, `notify.${field}`, says);

const NO_TIME = `receivedTime must be a time in UTC with at most six digits of a second, such as ${TIME}`;
const NO_HOST = 'host must be an IPv4 address or the name of a host: lower-case letters, digits, - and ., at most 253';
const NO_TOKEN = 'token must be 32 hexadecimal digits in lower case: make it of 128 random bits';

/** What is refused of request. */
export const BAD_REQUEST: readonly BadInput[] = [
  request(
    'no time',
    { receivedTime: undefined },
    'receivedTime',
    `receivedTime is missing: say when the request came, in UTC, such as ${TIME}`,
  ),
  ...[
    '',
    'now',
    '2026-01-02',
    '2026-13-02T03:04:05Z',
    '2026-01-02T03:04:05+01:00',
    `${TIME}\n`,
    '2026-01-02T03:04:05.1234567Z',
  ].map((receivedTime) =>
    request(`the time ${JSON.stringify(receivedTime)}`, { receivedTime }, 'receivedTime', NO_TIME),
  ),
  notify(
    'no host',
    { host: undefined },
    'host',
    'host is missing: say which address or name the guest reaches its creator by',
  ),
  notify('no port', { port: undefined }, 'port', 'port is missing: say which port the guest reaches its creator by'),
  notify(
    'no token',
    { token: undefined },
    'token',
    'token is missing: give 32 random hexadecimal digits, in lower case',
  ),
  ...['', 'A', '[::1]', 'a b', 'a/b', '$(IP)'].map((host) =>
    notify(`the host ${JSON.stringify(host)}`, { host }, 'host', NO_HOST),
  ),
  ...[0, 65_536].map((port) =>
    notify(
      `the port ${port}`,
      { port },
      'port',
      'port must be from 1 to 65535: say which port the guest reaches its creator by',
    ),
  ),
  ...['', TOKEN.slice(1), `${TOKEN}0`, TOKEN.toUpperCase()].map((token) =>
    notify(`the token ${JSON.stringify(token)}`, { token }, 'token', NO_TOKEN),
  ),
  request(
    'a host to avoid that is none',
    { avoidHosts: ['xen-1', 'Xen 2'] },
    'avoidHosts[1]',
    'avoidHosts must have names of DomainHosts: lower-case letters, digits, - and ., at most 253',
  ),
];

import { STATUS_CODES } from 'node:http';

import type { FlatHeaders, WholeAnswer } from './exchange.ts';

/** Where a request was when it failed, in the order in which a request goes through them. */
export type Phase = 'request' | 'route' | 'admission' | 'create' | 'schedule' | 'boot' | 'connect' | 'guest' | 'answer';

const PHASES: Readonly<Record<Phase, string>> = {
  request: 'reading the request',
  route: 'finding a route',
  admission: 'waiting for a free place',
  create: 'creating the domain',
  schedule: 'placing the domain on a host',
  boot: 'starting the domain',
  connect: 'connecting to the domain',
  guest: 'waiting for its answer',
  answer: 'passing its answer on',
};

export interface Failure {
  readonly status: number;
  readonly phase: Phase;
  /** One word for programs, in the style of Kubernetes' reasons. */
  readonly reason: string;
  /** A sentence for people; the caller keeps addresses and names of hosts out of it. */
  readonly why: string;
  /** The EphemeralDomain, where there was one. */
  readonly domain?: { readonly namespace: string; readonly name: string } | undefined;
  readonly traceId?: string | undefined;
  readonly retryAfterSeconds?: number | undefined;
}

/** The answer to a request that failed: a page, or JSON where the visitor would rather have that. */
export const failurePage = (failure: Failure, accept: string | undefined): WholeAnswer =>
  prefersJson(accept) ? jsonOf(failure) : htmlOf(failure);

/** Whether JSON is accepted, and no worse than a page (RFC 9110, 12.5.1). */
export const prefersJson = (accept = ''): boolean => {
  if (!/json/i.test(accept)) return false;
  const ranges = accept.split(',').map((range) => {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    const quality = parameters.find((parameter) => parameter.startsWith('q='));
    return { type, quality: quality === undefined ? 1 : Number(quality.slice(2)) || 0 };
  });
  const best = (matches: (type: string) => boolean): number =>
    Math.max(0, ...ranges.filter(({ type }) => matches(type)).map(({ quality }) => quality));
  const json = best((type) => type === 'application/json' || /^application\/[\w.-]+\+json$/.test(type));
  return json > 0 && json >= best((type) => type === 'text/html');
};

const COMMON: FlatHeaders = ['Cache-Control', 'no-store', 'X-Content-Type-Options', 'nosniff'];

const headersOf = (type: string, { retryAfterSeconds }: Failure): FlatHeaders => [
  ...['Content-Type', type],
  ...COMMON,
  ...(retryAfterSeconds === undefined ? [] : ['Retry-After', String(retryAfterSeconds)]),
];

const jsonOf = (failure: Failure): WholeAnswer => {
  const { status, phase, reason, why: message, domain, traceId, retryAfterSeconds } = failure;
  const body = JSON.stringify({ status, reason, message, phase, domain, traceId, retryAfterSeconds });
  return { status, headers: headersOf('application/json', failure), body: `${body}\n` };
};

const STYLE = `:root{color-scheme:light dark;--ink:#1c1b22;--soft:#6b6875;--ground:#faf9f7;--line:#dedbe3;--mark:#b3411e}
@media (prefers-color-scheme:dark){:root{--ink:#eceaf0;--soft:#9c98a8;--ground:#17161b;--line:#35323d;--mark:#ff9a6b}}
body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:38rem;margin:12vh auto;padding:0 1.5rem}
h1{font-size:1.9rem;line-height:1.2;margin:0 0 .6rem}p{margin:.4rem 0 1.4rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.35rem 1.2rem;margin:0;padding-top:1.2rem;border-top:1px solid var(--line)}
dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}.mark{color:var(--mark)}`;

/** The page's own style is all that it needs; nothing else may be loaded or run. */
const POLICY: FlatHeaders = ['Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'"];

const htmlOf = (failure: Failure): WholeAnswer => {
  const { status, phase, reason, why, domain, traceId, retryAfterSeconds } = failure;
  const title = isOverCapacity(failure) ? 'Over capacity' : (STATUS_CODES[status] ?? 'Failed');
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['Failed while', PHASES[phase]],
    ['Reason', reason],
    ['Domain', domain === undefined ? undefined : `${domain.namespace}/${domain.name}`],
    ['Come again in', retryAfterSeconds === undefined ? undefined : `${retryAfterSeconds} s`],
    ['Trace', traceId],
  ];
  const list = rows
    .filter((row): row is readonly [string, string] => row[1] !== undefined)
    .map(([term, text]) => `<dt>${term}</dt><dd>${escapeHtml(text)}</dd>`)
    .join('\n');
  const body = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style></head>
<body><main>
<h1><span class="mark">${status}</span> ${escapeHtml(title)}</h1>
<p>${escapeHtml(why)}</p>
<dl>
${list}
</dl>
</main></body></html>
`;
  return { status, headers: [...headersOf('text/html; charset=utf-8', failure), ...POLICY], body };
};

const isOverCapacity = ({ status, phase }: Failure): boolean =>
  status === 503 && (phase === 'admission' || phase === 'schedule');

const MARKUP = /[&<>"']/g;

/** Most has none of it, and a look is the cheaper. */
const escapeHtml = (text: string): string =>
  text.search(MARKUP) < 0 ? text : text.replace(MARKUP, (character) => `&#${character.charCodeAt(0)};`);

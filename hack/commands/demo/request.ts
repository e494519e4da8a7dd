import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestHost } from '../../hosts/host.ts';
import type { RunningBed } from '../up.ts';
import { followDomains } from './follow.ts';
import { describeChange, isFinished } from './view.ts';
import type { DomainView } from './view.ts';
import { watchVirsh } from './witness.ts';

/** What came of a request through the ingress. */
export interface Requested {
  readonly status: number;
  /** `NAMESPACE/NAME` of the EphemeralDomain that answered, as the ingress says it. */
  readonly domain: string | undefined;
  /** That resource as it was last seen. */
  readonly view: DomainView | undefined;
  /** The list in which virsh showed its domain running. */
  readonly list: string | undefined;
}

const TIMEOUT_MS = 120_000;
/** How long an answered guest may take to be gone. */
const END_MS = 30_000;

/** Asks for a page as a visitor does, and shows what is hatched for it; `say` gets each thing as it happens. */
export async function request(
  { bed, cluster }: RunningBed,
  host: TestHost,
  say: (who: string, what: string) => void,
): Promise<Requested> {
  const url = (await readFile(join(bed.dir, 'ingress.url'), 'utf8')).trim();
  let view: DomainView | undefined;
  const isOurs = ({ spec }: DomainView): boolean => spec?.request !== undefined;
  const over = Promise.withResolvers<undefined>();
  const following = followDomains(cluster.kubectl, TIMEOUT_MS, (next) => {
    if (!isOurs(next)) return;
    const change = describeChange(view, next);
    view = next;
    if (change !== undefined) say('kubectl', change);
    if (isFinished(next)) over.resolve(undefined);
  });
  const given = new AbortController();
  try {
    const seen = watchVirsh(
      host,
      () => view?.status?.domain?.name,
      () => isFinished(view) || given.signal.aborted,
    );
    const shown = seen.then((list) => {
      if (list !== undefined) say('virsh', `lists it as running:\n${indent(list)}`);
      return list;
    });
    say('curl', `-i ${url}`);
    const answer = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    const page = await answer.text();
    say('curl', `\n${indent(headOf(answer))}\n\n${indent(wordsOf(page))}`);
    const late = setTimeout(() => over.resolve(undefined), END_MS);
    await over.promise;
    clearTimeout(late);
    given.abort();
    return {
      status: answer.status,
      domain: answer.headers.get('x-hatchery-domain') ?? undefined,
      view,
      list: await shown,
    };
  } finally {
    given.abort();
    await following.stop();
  }
}

function headOf(answer: Response): string {
  const headers = Array.from(answer.headers, ([name, value]) => `${name}: ${value}`);
  return [`HTTP/1.1 ${answer.status} ${answer.statusText}`, ...headers].join('\n');
}

/** What a page says, without its markup. */
function wordsOf(page: string): string {
  return page
    .replace(/<style>.*?<\/style>|<title>.*?<\/title>/gs, '')
    .replaceAll(/<\/?(?:tr|h\d|p|table)[^>]*>/g, '\n')
    .replaceAll(/<\/?(?:t[hd]|d[td])[^>]*>/g, '  ')
    .replaceAll(/<[^>]*>/g, '')
    .replaceAll('&#39;', "'")
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '')
    .join('\n');
}

function indent(text: string): string {
  return text
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n');
}

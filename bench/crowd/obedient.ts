import { request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Visit } from './tally.ts';

/** Where clients ask, and how often one comes back at most. */
export interface Place {
  readonly port: number;
  readonly host: string;
  readonly mostVisits: number;
  /** Told of each visit that is over. */
  readonly onVisit?: (visit: Visit) => void;
}

const PATIENCE_MS = 90_000;

/** A client that does as Retry-After says: waits so long, and comes again, until it is served or told something else. */
export const obey = async (place: Place): Promise<readonly Visit[]> => {
  const visits: Visit[] = [];
  for (;;) {
    const visit = await ask(place.port, place.host);
    visits.push(visit);
    place.onVisit?.(visit);
    const { status, retryAfter } = visit;
    if (status !== 503 || retryAfter === undefined || visits.length >= place.mostVisits) return visits;
    await delay(retryAfter * 1_000);
  }
};

/** One GET on a connection of its own. */
export const ask = (port: number, host: string): Promise<Visit> =>
  new Promise((resolve) => {
    const begun = performance.now();
    let [status, hung]: [number, boolean] = [0, false];
    let [retryAfter, headMs]: (number | undefined)[] = [];
    const finish = (end: Visit['end']): void => {
      clearTimeout(timer);
      const wholeMs = end === 'whole' ? performance.now() - begun : undefined;
      resolve({ status, retryAfter, headMs, wholeMs, serverMs: undefined, end });
    };
    const asked = request({ host: '127.0.0.1', port, headers: { Host: host, Connection: 'close' }, agent: false });
    const timer = setTimeout(() => {
      hung = true;
      asked.destroy();
    }, PATIENCE_MS);
    asked.once('response', (response) => {
      headMs = performance.now() - begun;
      status = response.statusCode ?? 0;
      const after = response.headers['retry-after'];
      retryAfter = after === undefined ? undefined : Number(after);
      response.resume();
      response.once('end', () => finish('whole'));
      response.once('error', () => finish(hung ? 'hung' : 'cut'));
    });
    asked.once('error', () => finish(hung ? 'hung' : 'cut'));
    asked.end();
  });

import { EPHEMERAL_DOMAINS } from '#controller/api/index.ts';
import type { PresenceSource } from '#controller/lifecycle/index.ts';
import { readText } from './body.ts';
import type { Callers } from './callers.ts';
import { namespaceIn } from './object-path.ts';
import { MAX_QUESTION_BYTES, presenceAnswer, readQuestion } from './presence-message.ts';
import type { Call, Route } from './server.ts';
import { refuse, standsBy, STARTING_OR_ENDING } from './status.ts';

export interface PresenceRouteParts {
  readonly callers: Pick<Callers, 'may'>;
  /** Of the controller that acts; undefined where this replica stands by. */
  readonly source: () => PresenceSource | undefined;
  /** Where the one that acts can be found. */
  readonly lease: { readonly namespace: string; readonly name: string };
}

/**
 * POST /presence/NAMESPACE: who has deleted EphemeralDomains asks which of them still have a domain on a host, where it may
 * list ephemeraldomains of that namespace. Nothing is changed by it.
 */
export function presenceRoute({ callers, source, lease }: PresenceRouteParts): Route {
  return async (call) => {
    const { url, request, response, caller } = call;
    if (request.method !== 'POST') {
      refuse(response, 405, 'only POST', { allow: 'POST' });
      return;
    }
    const namespace = namespaceIn(url);
    if (namespace === undefined) {
      refuse(response, 404, 'which domains are there is told at /presence/NAMESPACE');
      return;
    }
    const { group, version, plural: resource } = EPHEMERAL_DOMAINS;
    if (!(await callers.may(caller, { verb: 'list', group, version, resource, namespace }))) {
      const who = `user ${JSON.stringify(caller.username ?? '')}`;
      refuse(response, 403, `${who} may not list ephemeraldomains in namespace ${namespace}`);
      return;
    }
    const acting = source();
    if (acting === undefined) refuse(response, 503, standsBy(lease));
    else await tell(call, acting, namespace);
  };
}

async function tell(call: Call, source: PresenceSource, namespace: string): Promise<void> {
  const { response } = call;
  const text = await readText(call, MAX_QUESTION_BYTES);
  if (text === undefined) return;
  const reading = readQuestion(text);
  if (!reading.ok) {
    refuse(response, 400, reading.why);
    return;
  }
  const present = source.presentOf(namespace, reading.asked);
  if (present === undefined) {
    refuse(response, 503, STARTING_OR_ENDING);
    return;
  }
  const body = presenceAnswer(present);
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  response.writeHead(200, { ...headers, 'cache-control': 'no-store' }).end(body);
}

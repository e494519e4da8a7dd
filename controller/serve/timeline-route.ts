import { EPHEMERAL_DOMAINS } from '#controller/api/index.ts';
import type { TimelineSink } from '#controller/lifecycle/index.ts';
import { readText } from './body.ts';
import type { Caller, Callers } from './callers.ts';
import { objectIn } from './object-path.ts';
import type { Call, Route } from './server.ts';
import { refuse, standsBy, STARTING_OR_ENDING } from './status.ts';
import { MAX_MESSAGE_BYTES, readTimeline } from './timeline-message.ts';

export interface TimelineRouteParts {
  readonly callers: Pick<Callers, 'may'>;
  /** Of the controller that acts; undefined where this replica stands by. */
  readonly sink: () => TimelineSink | undefined;
  /** Where the one that acts can be found. */
  readonly lease: { readonly namespace: string; readonly name: string };
}

/**
 * POST /timeline/NAMESPACE/NAME: who serves an EphemeralDomain's request tells when it was ready and had responded, where it
 * may create ephemeraldomains/timeline. 202: that is joined to the next write of its status, if there is one.
 */
export function timelineRoute(parts: TimelineRouteParts): Route {
  return async (call) => {
    const { url, request, response, caller } = call;
    if (request.method !== 'POST') {
      refuse(response, 405, 'only POST', { allow: 'POST' });
      return;
    }
    const object = objectIn(url);
    if (object === undefined) {
      refuse(response, 404, 'a timeline is at /timeline/NAMESPACE/NAME');
      return;
    }
    const { namespace, name } = object;
    if (!(await mayTell(parts, caller, namespace, name))) {
      const who = `user ${JSON.stringify(caller.username ?? '')}`;
      refuse(response, 403, `${who} may not create ephemeraldomains/timeline ${name} in namespace ${namespace}`);
      return;
    }
    const sink = parts.sink();
    if (sink === undefined) refuse(response, 503, standsBy(parts.lease));
    else await take(call, sink, `${namespace}/${name}`);
  };
}

/** The right to all of a namespace is asked for first: its answer is kept, and serves each message of an ingress. */
async function mayTell(
  { callers }: TimelineRouteParts,
  caller: Caller,
  namespace: string,
  name: string,
): Promise<boolean> {
  const { group, version, plural: resource } = EPHEMERAL_DOMAINS;
  const asked = { verb: 'create', group, version, resource, subresource: 'timeline', namespace };
  return (await callers.may(caller, asked)) || (await callers.may(caller, { ...asked, name }));
}

async function take({ request, response }: Call, sink: TimelineSink, key: string): Promise<void> {
  const text = await readText({ request, response }, MAX_MESSAGE_BYTES);
  if (text === undefined) return;
  const reading = readTimeline(text);
  if (!reading.ok) {
    refuse(response, 400, reading.why);
    return;
  }
  const answer = sink.noteTimes(key, reading.times);
  switch (answer.kind) {
    case 'noted':
      response.writeHead(202, { 'content-length': 0, 'cache-control': 'no-store' }).end();
      return;
    case 'not-found':
      refuse(response, 404, `there is no EphemeralDomain ${key}`);
      return;
    case 'not-taken':
      refuse(response, 409, `${key}: ${answer.why}`);
      return;
    case 'unavailable':
      refuse(response, 503, STARTING_OR_ENDING);
      return;
  }
}

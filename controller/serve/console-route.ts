import { EPHEMERAL_DOMAINS } from '#controller/api/index.ts';
import type { ConsoleSink, FollowAnswer } from '#controller/console/index.ts';
import type { ConsoleSource } from '#controller/lifecycle/index.ts';
import type { Callers } from './callers.ts';
import { objectIn } from './object-path.ts';
import type { Call, Route } from './server.ts';
import { refuse, standsBy } from './status.ts';

export interface ConsoleRouteParts {
  readonly callers: Pick<Callers, 'may'>;
  /** Of the controller that acts; undefined where this replica stands by. */
  readonly source: () => ConsoleSource | undefined;
  /** Where the one that acts can be found. */
  readonly lease: { readonly namespace: string; readonly name: string };
}

/**
 * GET /console/NAMESPACE/NAME[?follow=true]: what is kept of a domain's console and, with follow, what comes, as it was
 * written, to those who may get ephemeraldomains/console. Who follows already goes on to when the right is taken away.
 */
export function consoleRoute(parts: ConsoleRouteParts): Route {
  return async (call) => {
    const { url, request, response } = call;
    if (request.method !== 'GET') {
      refuse(response, 405, 'only GET', { allow: 'GET' });
      return;
    }
    const object = objectIn(url);
    const follow = url.searchParams.get('follow') ?? 'false';
    if (object === undefined) {
      refuse(response, 404, 'a console is at /console/NAMESPACE/NAME');
      return;
    }
    const { namespace, name } = object;
    if (follow !== 'true' && follow !== 'false') {
      refuse(response, 400, 'follow must be true or false');
      return;
    }
    const { group, version, plural: resource } = EPHEMERAL_DOMAINS;
    const asked = { verb: 'get', group, version, resource, subresource: 'console', namespace, name };
    if (!(await parts.callers.may(call.caller, asked))) {
      const who = `user ${JSON.stringify(call.caller.username ?? '')}`;
      refuse(response, 403, `${who} may not get ephemeraldomains/console ${name} in namespace ${namespace}`);
      return;
    }
    const source = parts.source();
    if (source === undefined) {
      refuse(response, 503, standsBy(parts.lease));
      return;
    }
    await stream(call, source, `${namespace}/${name}`, follow === 'true');
  };
}

async function stream({ response }: Call, source: ConsoleSource, key: string, live: boolean): Promise<void> {
  const answer = await source.readConsole(key, sinkOver(response), live);
  switch (answer.kind) {
    case 'not-found': {
      refuse(response, 404, `there is no EphemeralDomain ${key}`);
      return;
    }
    case 'no-console': {
      refuse(response, 409, `${key} has no console to read: ${answer.why}`);
      return;
    }
    case 'unavailable': {
      refuse(response, 503, `the console of ${key} cannot be read now: ${answer.why}`);
      return;
    }
    case 'following': {
      begin(response, answer);
      return;
    }
  }
}

function begin(
  response: Call['response'],
  { start, drained, leave }: Extract<FollowAnswer, { kind: 'following' }>,
): void {
  response.on('drain', drained);
  response.on('close', leave);
  if (response.destroyed) {
    leave();
    return;
  }
  response.writeHead(200, {
    'content-type': 'text/plain; charset=utf-8',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.flushHeaders();
  start();
}

function sinkOver(response: Call['response']): ConsoleSink {
  return {
    write: (bytes) => response.write(bytes),
    end: (complete) => {
      // A body that breaks off is how HTTP says that this is not all.
      if (complete) response.end();
      else response.destroy();
    },
  };
}

import { readExitReport } from './exit-report.ts';
import type { Guest, Reception, Receiver } from './receiver.ts';
import { readTarget } from './target.ts';

/** What of a request counts. */
export interface NotifyRequest {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly peer: string;
  /** Reads the body, once. */
  readonly body: () => Promise<Body>;
}

/** A body that is longer than any notice is not read to its end; one that was broken off has none. */
export type Body = Buffer | 'too-long' | 'broken-off';

/** A request that was not done as asked, for the log. */
export interface Refusal {
  readonly status: number;
  /** Of our own words alone. */
  readonly why: string;
  /** Of the form that names of domains have; undefined where the request names none. */
  readonly name?: string;
}

export interface Answer {
  readonly status: number;
  /** One line for people, of our own words alone. */
  readonly text: string;
  readonly allow?: string;
  readonly refusal?: Refusal;
}

/** The answer to a request, and all that comes of it. The body is read only for a guest that is known to be one. */
export const answerTo = async (receiver: Receiver | undefined, request: NotifyRequest): Promise<Answer> => {
  const target = readTarget(request.method, request.url);
  switch (target.kind) {
    case 'no-such-path':
      return refuse(404, 'there are POST /ready/NAME and POST /exit/NAME');
    case 'wrong-method':
      return { ...refuse(405, 'only POST'), allow: 'POST' };
    case 'notice':
      break;
  }
  const { name, what, token } = target;
  if (receiver === undefined) return refuse(503, 'this replica does not act, or not yet: come again', name);
  const admission = await receiver.admit({ name, peer: request.peer, token });
  switch (admission.kind) {
    case 'unknown':
      return refuse(404, 'no such domain', name);
    case 'stranger':
      return refuse(403, admission.why, name);
    case 'unavailable':
      return refuse(503, admission.why, name);
    case 'guest':
      return what === 'ready'
        ? afterwards(await admission.guest.ready(), name)
        : answerExit(admission.guest, name, await request.body());
  }
};

const answerExit = async (guest: Guest, name: string, body: Body): Promise<Answer> => {
  if (body === 'broken-off') return refuse(400, 'the request was broken off', name);
  if (body === 'too-long') return refuse(413, 'the body must be at most a code and 4096 bytes of text', name);
  const reading = readExitReport(body);
  return reading.ok ? afterwards(await guest.exit(reading.report), name) : refuse(400, reading.why, name);
};

const afterwards = (reception: Reception, name: string): Answer => {
  switch (reception) {
    case 'stored':
      return { status: 200, text: 'stored' };
    case 'heard':
      return { status: 200, text: 'heard' };
    case 'said-before':
      return refuse(409, 'an exit code was reported before, and that counts', name);
    case 'over':
      return refuse(404, 'its attempt is over', name);
    case 'not-stored':
      return refuse(503, 'it could not be stored yet: come again', name);
  }
};

const refuse = (status: number, why: string, name?: string): Answer => ({
  status,
  text: why,
  refusal: { status, why, ...(name === undefined ? {} : { name }) },
});

import type { Deleted } from '#controller/lifecycle/index.ts';
import { fieldsIn, isObject, isUid } from './message.ts';
import { isName } from './object-path.ts';

export type PresenceReading =
  | { readonly ok: true; readonly asked: readonly Deleted[] }
  /** `why`: one sentence, which repeats nothing of the message. */
  | { readonly ok: false; readonly why: string };

/** Most domains that one message asks for. */
export const MAX_ASKED = 64;
/** Most bytes of a message: two names and a UID for each of them. */
export const MAX_QUESTION_BYTES = 49_152;

const FIELDS: ReadonlySet<string> = new Set(['name', 'uid', 'host']);

/** Reads the body of a POST to /presence: {"domains": [{"name": …, "uid": …, "host": …}]}, host where it is known. */
export function readQuestion(body: string): PresenceReading {
  const domains = fieldsIn(body)?.['domains'];
  if (!Array.isArray(domains)) return no('the body must be a JSON object with a list, domains');
  if (domains.length > MAX_ASKED) return no(`at most ${MAX_ASKED} domains are told of at a time`);
  const asked = domains.map(deletedIn);
  if (!asked.every((one) => one !== undefined)) {
    return no("each of domains must have an EphemeralDomain's name and uid, may have its host, and nothing else");
  }
  return { ok: true, asked };
}

/** What readQuestion reads. */
export function presenceQuestion(asked: readonly Deleted[]): string {
  return JSON.stringify({ domains: asked.map(({ name, uid, host }) => ({ name, uid, host })) });
}

/** The answer: {"present": [UID, …]}. */
export function presenceAnswer(present: ReadonlySet<string>): string {
  return JSON.stringify({ present: [...present] });
}

/** UIDs of an answer; undefined where it is none. */
export function readPresence(body: string): ReadonlySet<string> | undefined {
  const present = fieldsIn(body)?.['present'];
  return Array.isArray(present) && present.every(isUid) ? new Set(present) : undefined;
}

function no(why: string): PresenceReading {
  return { ok: false, why };
}

function deletedIn(value: unknown): Deleted | undefined {
  if (!isObject(value) || Object.keys(value).some((name) => !FIELDS.has(name))) return undefined;
  const { name, uid, host } = value;
  if (typeof name !== 'string' || !isName(name) || !isUid(uid)) return undefined;
  if (host === undefined) return { name, uid };
  return typeof host === 'string' && isName(host) ? { name, uid, host } : undefined;
}

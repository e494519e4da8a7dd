import type { RequestTimes } from '#controller/lifecycle/index.ts';
import { fieldsIn, isUid } from './message.ts';

export type TimelineReading =
  | { readonly ok: true; readonly times: RequestTimes }
  /** `why`: one sentence, which repeats nothing of the message. */
  | { readonly ok: false; readonly why: string };

/** Most bytes that a message has: it is a UID and two times. */
export const MAX_MESSAGE_BYTES = 1_024;

const FIELDS: ReadonlySet<string> = new Set(['uid', 'ready', 'responded']);
/** metav1.MicroTime, also with fewer digits: what stands in a status later must be one that the API server takes. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$/;

/** Reads the body of a POST to /timeline: {"uid": …, "ready": …, "responded": …}, each time where it is known. */
export function readTimeline(body: string): TimelineReading {
  const fields = fieldsIn(body);
  if (fields === undefined) return no('the body must be a JSON object');
  if (Object.keys(fields).some((name) => !FIELDS.has(name))) return no('only uid, ready and responded are known');
  const { uid, ready: readyText, responded: respondedText } = fields;
  if (!isUid(uid)) return no("uid must be the EphemeralDomain's metadata.uid");
  const [ready, responded] = [timeIn(readyText), timeIn(respondedText)];
  if (ready === 'bad' || responded === 'bad') {
    return no('a time must be RFC 3339 in UTC with at most six digits of a second, as 2026-01-02T03:04:05.678901Z');
  }
  if (ready === undefined && responded === undefined) return no('a time, ready or responded, is missing');
  if (ready !== undefined && responded !== undefined && responded < ready) return no('responded is before ready');
  return { ok: true, times: { uid, ready, responded } };
}

/** What readTimeline reads; `micro` writes a time, wall clock ms. */
export function timelineMessage({ uid, ready, responded }: RequestTimes, micro: (ms: number) => string): string {
  const text = (ms: number | undefined): string | undefined => (ms === undefined ? undefined : micro(ms));
  return JSON.stringify({ uid, ready: text(ready), responded: text(responded) });
}

function no(why: string): TimelineReading {
  return { ok: false, why };
}

/** Wall clock ms. */
function timeIn(text: unknown): number | 'bad' | undefined {
  if (text === undefined) return undefined;
  if (typeof text !== 'string' || !TIME.test(text)) return 'bad';
  const whole = Date.parse(`${text.slice(0, 19)}Z`);
  const fraction = /\.(\d+)Z$/.exec(text)?.[1] ?? '';
  return Number.isNaN(whole) ? 'bad' : whole + Number(fraction.padEnd(6, '0')) / 1_000;
}

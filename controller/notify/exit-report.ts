/** What a guest says of how its work ended. */
export interface ExitReport {
  /** 0 to 255; 0: well. */
  readonly code: number;
  /** Safe to show and to log, see cleanText(); empty where it said nothing. */
  readonly message: string;
}

/** Most bytes of text after the first line. */
export const MAX_MESSAGE_BYTES = 4096;
/** Most bytes of a whole body: three digits, a line's end, the text. */
export const MAX_REPORT_BYTES = 3 + 2 + MAX_MESSAGE_BYTES;

export type ExitReading =
  { readonly ok: true; readonly report: ExitReport } | { readonly ok: false; readonly why: string };

const CODE_LINE = /^([0-9]{1,3})[ \t]*(?:\r?\n|$)/;

/**
 * Reads the body of POST /exit/NAME: the first line is the code, all after it is text. A form that a shell's printf and a
 * C program's snprintf write alike.
 */
export const readExitReport = (body: Buffer): ExitReading => {
  // Only ASCII counts up to the first line's end, so bytes and characters are the same there.
  const match = CODE_LINE.exec(body.toString('latin1'));
  const code = Number(match?.[1]);
  if (match === null || code > 255) {
    return { ok: false, why: 'the first line of the body must be the exit code, a number from 0 to 255' };
  }
  const text = body.subarray(match[0].length);
  if (text.length > MAX_MESSAGE_BYTES) {
    return { ok: false, why: `the text after the first line must be at most ${MAX_MESSAGE_BYTES} bytes long` };
  }
  return { ok: true, report: { code, message: cleanText(text) } };
};

/** What moves a terminal's cursor, breaks a line or turns the direction of writing, and what no XML or JSON reader wants. */
const UNSAFE = /[\p{Cc}\p{Zl}\p{Zp}\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069\uFEFF\uFFFE\uFFFF]+/gu;

/** Bytes of a stranger as one line of text: what is not UTF-8 becomes U+FFFD, each run of control characters a blank. */
export const cleanText = (bytes: Buffer): string =>
  new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes).replaceAll(UNSAFE, ' ').trim();

/** What a guest wrote on its console, made safe to store and to print: UTF-8 without escape sequences. */

type State =
  | 'text'
  /** After ESC. */
  | 'escape'
  /** After ESC and a byte such as `(`, which one more byte ends. */
  | 'escape-more'
  /** Within a control sequence (CSI): parameters up to a final byte. */
  | 'sequence'
  /** Within a control string (OSC, DCS, SOS, PM, APC): anything up to ST or BEL. */
  | 'string'
  /** After ESC within a control string. */
  | 'string-escape';

const ESC = 0x1b;
const BEL = 0x07;
const LF = 0x0a;
const CR = 0x0d;
const TAB = 0x09;
const CSI = 0x9b;
const ST = 0x9c;
/** DCS, SOS, OSC, PM, APC as single characters, and what stands after ESC in their place. */
const STRINGS: ReadonlySet<number> = new Set([0x90, 0x98, 0x9d, 0x9e, 0x9f]);
const C1_OFFSET = 0x40;

/**
 * Makes console output safe as it comes, whatever the pieces it comes in: bytes that are no UTF-8 become U+FFFD; escape
 * sequences (ECMA-48, in seven and eight bits) and control characters go, but tabs; carriage returns become, or join, line
 * ends. A control string that nobody ends swallows no more than its line.
 */
export class ConsoleText {
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  #state: State = 'text';
  /** Carriage returns were read that the next character makes a line end of. */
  #returned = false;

  /** What can be shown of these bytes, and of what was held back before them. */
  push(bytes: Uint8Array): string {
    return this.#clean(this.#decoder.decode(bytes, { stream: true }));
  }

  /** The rest, once nothing more comes. */
  end(): string {
    const rest = this.#clean(this.#decoder.decode());
    const lineEnd = this.#returned ? '\n' : '';
    this.#returned = false;
    this.#state = 'text';
    return rest + lineEnd;
  }

  #clean(text: string): string {
    let clean = '';
    for (const character of text) clean += this.#take(character, character.codePointAt(0) ?? 0);
    return clean;
  }

  #take(character: string, code: number): string {
    switch (this.#state) {
      case 'text':
        return this.#show(character, code);
      case 'escape':
        return this.#escape(character, code);
      case 'escape-more':
        if (isIntermediate(code)) return '';
        this.#state = 'text';
        return isFinal(code) ? '' : this.#show(character, code);
      case 'sequence':
        if (isIntermediate(code) || isParameter(code)) return '';
        this.#state = 'text';
        return code >= 0x40 && code <= 0x7e ? '' : this.#show(character, code);
      case 'string':
      case 'string-escape':
        return this.#inString(character, code);
    }
  }

  #escape(character: string, code: number): string {
    if (isIntermediate(code)) {
      this.#state = 'escape-more';
      return '';
    }
    this.#state = 'text';
    if (!isFinal(code)) return this.#show(character, code);
    const single = code + C1_OFFSET;
    if (single === CSI) this.#state = 'sequence';
    else if (STRINGS.has(single)) this.#state = 'string';
    return '';
  }

  #inString(character: string, code: number): string {
    const wasEscape = this.#state === 'string-escape';
    if (code === ESC) this.#state = 'string-escape';
    else if (wasEscape) {
      // ESC \ ends the string; any other sequence breaks it off and begins there.
      this.#state = 'text';
      return character === '\\' ? '' : this.#escape(character, code);
    } else if (code === BEL || code === ST) this.#state = 'text';
    else if (code === LF || code === CR) {
      this.#state = 'text';
      return this.#show(character, code);
    }
    return '';
  }

  #show(character: string, code: number): string {
    if (code === CR) {
      this.#returned = true;
      return '';
    }
    const before = this.#returned && code !== LF ? '\n' : '';
    this.#returned = false;
    if (code === ESC) this.#state = 'escape';
    else if (code === CSI) this.#state = 'sequence';
    else if (STRINGS.has(code)) this.#state = 'string';
    return isControl(code) && code !== LF && code !== TAB ? before : before + character;
  }
}

function isControl(code: number): boolean {
  return code < 0x20 || (code >= 0x7f && code <= 0x9f);
}

function isIntermediate(code: number): boolean {
  return code >= 0x20 && code <= 0x2f;
}

function isParameter(code: number): boolean {
  return code >= 0x30 && code <= 0x3f;
}

function isFinal(code: number): boolean {
  return code >= 0x30 && code <= 0x7e;
}

/**
 * The end of what a guest wrote, made safe as ConsoleText does it: at most so many bytes of UTF-8, cut at the edge of a
 * character. `isCut`: more was written before these bytes, so that they may begin within a character.
 */
export function consoleTail(bytes: Uint8Array, isCut: boolean, maxBytes: number): string {
  const text = new ConsoleText();
  const clean = Buffer.from(text.push(isCut ? fromCharacter(bytes) : bytes) + text.end());
  return clean.length <= maxBytes
    ? clean.toString()
    : Buffer.from(fromCharacter(clean.subarray(clean.length - maxBytes))).toString();
}

/** Without the rest of a character whose beginning is missing. */
function fromCharacter(bytes: Uint8Array): Uint8Array {
  let at = 0;
  while (at < 3 && at < bytes.length && ((bytes[at] ?? 0) & 0xc0) === 0x80) at += 1;
  return bytes.subarray(at);
}

import { Buffer } from 'node:buffer';

/** Most bytes of a command line that reach a PV guest; Xen cuts the rest off without a word (xen.h, MAX_GUEST_CMDLINE). */
export const MAX_COMMAND_LINE_BYTES = 1023;

/** Values of `$(NAME)` in a command line. A name without a value stays as it was written. */
export type CommandLineNames = Readonly<Partial<Record<CommandLineName, string>>>;

export type CommandLineName =
  | 'DOMAIN_NAME'
  | 'DOMAIN_UUID'
  | 'IP'
  | 'PREFIX'
  | 'NETMASK'
  | 'GATEWAY'
  | 'SECRETS_DISK'
  | 'REQUEST_TIME'
  | NotifyName;

/** What a guest needs to know to tell of itself. */
export type NotifyName = 'NOTIFY_HOST' | 'NOTIFY_PORT' | 'NOTIFY_URL';

/** Values of the resource's own parameters, by name. A built-in name counts more. */
export type ParameterValues = ReadonlyMap<string, string>;

/** `parameter`: the one that is at fault, where one is; `message` names it and holds nothing of its value. */
export type CommandLineFault =
  | {
      readonly kind: 'too-long';
      readonly bytes: number;
      readonly limit: number;
      readonly parameter?: string;
      readonly message: string;
    }
  | {
      readonly kind: 'control-character';
      readonly codePoint: number;
      readonly parameter?: string;
      readonly message: string;
    };

export type CommandLineReading =
  { readonly ok: true; readonly text: string } | { readonly ok: false; readonly fault: CommandLineFault };

const REFERENCE = /\$\$|\$\(([^)]*)\)/g;

const isKnown = (name: string, names: CommandLineNames): name is CommandLineName => Object.hasOwn(names, name);

/** Whether a command line has `$(NAME)` for this name, written so that it is expanded. */
export const refersTo = (template: string, wanted: string): boolean =>
  [...template.matchAll(REFERENCE)].some(([, name]) => name === wanted);

/** A stretch of an expanded command line, and the parameter that it came from. */
interface Piece {
  readonly text: string;
  readonly parameter?: string;
}

/**
 * Expands `$(NAME)` as Kubernetes does in a container's args: `$$` is one `$`, an unknown name stays as written, and what a
 * value brings in is not expanded again.
 */
const expand = (template: string, names: CommandLineNames, parameters: ParameterValues): readonly Piece[] => {
  const pieces: Piece[] = [];
  let end = 0;
  for (const match of template.matchAll(REFERENCE)) {
    const [whole, name] = match;
    pieces.push({ text: template.slice(end, match.index) }, valueOf(whole, name, names, parameters));
    end = match.index + whole.length;
  }
  return [...pieces, { text: template.slice(end) }];
};

const valueOf = (
  whole: string,
  name: string | undefined,
  names: CommandLineNames,
  parameters: ParameterValues,
): Piece => {
  if (name === undefined) return { text: '$' };
  const builtIn = isKnown(name, names) ? names[name] : undefined;
  if (builtIn !== undefined) return { text: builtIn };
  const value = parameters.get(name);
  return value === undefined ? { text: whole } : { text: value, parameter: name };
};

/** Control characters, and what XML, and so libvirt, cannot carry. */
const isRefused = (codePoint: number): boolean =>
  codePoint < 0x20 ||
  (codePoint >= 0x7f && codePoint <= 0x9f) ||
  (codePoint >= 0xd800 && codePoint <= 0xdfff) ||
  codePoint === 0xfffe ||
  codePoint === 0xffff;

const checked = (pieces: readonly Piece[]): CommandLineReading => {
  for (const { text, parameter } of pieces) {
    const codePoint = Array.from(text, (character) => character.codePointAt(0) ?? 0).find(isRefused);
    if (codePoint !== undefined) return refused(codePoint, parameter);
  }
  const text = pieces.map((piece) => piece.text).join('');
  const bytes = Buffer.byteLength(text, 'utf8');
  return bytes > MAX_COMMAND_LINE_BYTES ? tooLong(bytes, pieces) : { ok: true, text };
};

const refused = (codePoint: number, parameter: string | undefined): CommandLineReading => {
  const character = `the control character U+${codePoint.toString(16).toUpperCase().padStart(4, '0')}`;
  const kind = 'control-character';
  if (parameter === undefined) {
    return { ok: false, fault: { kind, codePoint, message: `the command line holds ${character}` } };
  }
  const message = `parameter ${parameter} holds ${character}, which no command line can`;
  return { ok: false, fault: { kind, codePoint, parameter, message } };
};

/** At fault is the parameter that brings in most bytes, where there is one. */
const tooLong = (bytes: number, pieces: readonly Piece[]): CommandLineReading => {
  const limit = MAX_COMMAND_LINE_BYTES;
  const told = `the command line has ${bytes} bytes after expansion; a guest gets at most ${limit}`;
  const sizes = new Map<string, number>();
  for (const { text, parameter } of pieces) {
    if (parameter === undefined) continue;
    sizes.set(parameter, (sizes.get(parameter) ?? 0) + Buffer.byteLength(text, 'utf8'));
  }
  const [most] = [...sizes].sort(([, one], [, other]) => other - one);
  if (most === undefined) return { ok: false, fault: { kind: 'too-long', bytes, limit, message: told } };
  const [parameter, size] = most;
  const message = `${told}; parameter ${parameter} takes the most of it, ${size} bytes`;
  return { ok: false, fault: { kind: 'too-long', bytes, limit, parameter, message } };
};

/** The command line that a guest gets, or why it cannot get it. */
export const expandCommandLine = (
  template: string,
  names: CommandLineNames,
  parameters: ParameterValues = new Map(),
): CommandLineReading => checked(expand(template, names, parameters));

/** The words of a command line, split at blanks; what an LXC domain's init gets as its arguments. */
export const commandLineWords = (text: string): readonly string[] => text.split(' ').filter((word) => word !== '');

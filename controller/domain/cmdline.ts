import { Buffer } from 'node:buffer';

/** Most bytes of a command line that reach a PV guest; Xen cuts the rest off without a word (xen.h, MAX_GUEST_CMDLINE). */
export const MAX_COMMAND_LINE_BYTES = 1023;

/** Values of `$(NAME)` in a command line. A name without a value stays as it was written. */
export type CommandLineNames = Readonly<Partial<Record<CommandLineName, string>>>;

export type CommandLineName = 'DOMAIN_NAME' | 'DOMAIN_UUID' | 'IP' | 'PREFIX' | 'NETMASK' | 'GATEWAY' | NotifyName;

/** What a guest needs to know to tell of itself. */
export type NotifyName = 'NOTIFY_HOST' | 'NOTIFY_PORT' | 'NOTIFY_URL';

export type CommandLineFault =
  | { readonly kind: 'too-long'; readonly bytes: number; readonly limit: number; readonly message: string }
  | { readonly kind: 'control-character'; readonly codePoint: number; readonly message: string };

export type CommandLineReading =
  { readonly ok: true; readonly text: string } | { readonly ok: false; readonly fault: CommandLineFault };

const REFERENCE = /\$\$|\$\(([^)]*)\)/g;

const isKnown = (name: string, names: CommandLineNames): name is CommandLineName => Object.hasOwn(names, name);

/** Expands `$(NAME)` as Kubernetes does in a container's args: `$$` is one `$`, an unknown name stays as written. */
const expand = (template: string, names: CommandLineNames): string =>
  template.replaceAll(REFERENCE, (whole, name: string | undefined) => {
    if (name === undefined) return '$';
    return isKnown(name, names) ? (names[name] ?? whole) : whole;
  });

/** Whether a command line has `$(NAME)` for this name, written so that it is expanded. */
export const refersTo = (template: string, wanted: CommandLineName): boolean =>
  [...template.matchAll(REFERENCE)].some(([, name]) => name === wanted);

const isControl = (codePoint: number): boolean => codePoint < 0x20 || (codePoint >= 0x7f && codePoint <= 0x9f);

const checked = (text: string): CommandLineReading => {
  const control = Array.from(text, (character) => character.codePointAt(0) ?? 0).find(isControl);
  if (control !== undefined) {
    const hex = control.toString(16).toUpperCase().padStart(4, '0');
    const message = `the command line holds the control character U+${hex}`;
    return { ok: false, fault: { kind: 'control-character', codePoint: control, message } };
  }
  const bytes = Buffer.byteLength(text, 'utf8');
  if (bytes > MAX_COMMAND_LINE_BYTES) {
    const message = `the command line has ${bytes} bytes after expansion; a guest gets at most ${MAX_COMMAND_LINE_BYTES}`;
    return { ok: false, fault: { kind: 'too-long', bytes, limit: MAX_COMMAND_LINE_BYTES, message } };
  }
  return { ok: true, text };
};

/** The command line that a guest gets, or why it cannot get it. */
export const expandCommandLine = (template: string, names: CommandLineNames): CommandLineReading =>
  checked(expand(template, names));

/** The words of a command line, split at blanks; what an LXC domain's init gets as its arguments. */
export const commandLineWords = (text: string): readonly string[] => text.split(' ').filter((word) => word !== '');

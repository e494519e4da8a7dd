import { XMLParser } from 'fast-xml-parser';

/** What becomes of a guest that is played: when it ends counts from its start, in milliseconds. */
export type GuestPlan =
  | { readonly end: 'power-off'; readonly afterMs: number }
  | { readonly end: 'crash'; readonly afterMs: number }
  | { readonly end: 'never' };

const BOOT_MS = 50;
const SPREAD_MS = 100;
/** A timer of Node.js takes no more than 2^31 - 1; 20 days are for ever here. */
const LONGEST_MS = 20 * 86_400_000;

const parser = new XMLParser({ ignoreAttributes: true, parseTagValue: false, trimValues: true });

/**
 * What a guest does that gets this command line (the words of hack/guests/hatchling): one that waits for a visitor ends
 * by its own -shutdown_after alone, since none can reach it. `random` is in [0, 1).
 */
export function planGuest(commandLine: string, random: () => number): GuestPlan {
  const words = commandLine.split(/\s+/);
  const option = (name: string): string | undefined => {
    const at = words.lastIndexOf(name);
    return at < 0 ? undefined : words[at + 1];
  };
  const bootMs = Math.round(BOOT_MS + random() * SPREAD_MS);
  const mode = option('-mode') ?? (option('-ipaddr') === undefined ? 'hello' : 'http');
  switch (mode) {
    case 'run':
      return { end: 'power-off', afterMs: bootMs + milliseconds(option('-seconds') ?? '10') };
    case 'http':
    case 'slow': {
      const after = option('-shutdown_after');
      return after === undefined ? { end: 'never' } : { end: 'power-off', afterMs: bootMs + milliseconds(after) };
    }
    case 'crash':
      return { end: 'crash', afterMs: bootMs };
    case 'hang':
    case 'deaf':
      return { end: 'never' };
    default:
      return { end: 'power-off', afterMs: bootMs };
  }
}

/** The command line of a domain by its XML: the kernel's, or the arguments of a container's init. */
export function commandLineOf(domainXml: string): string {
  const { domain } = parser.parse(domainXml) as {
    readonly domain?: { readonly os?: { readonly cmdline?: string; readonly initarg?: string | readonly string[] } };
  };
  return domain?.os?.cmdline ?? [domain?.os?.initarg ?? []].flat().join(' ');
}

function milliseconds(secondsText: string): number {
  const seconds = Number(secondsText);
  return Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds * 1000, LONGEST_MS) : 0;
}

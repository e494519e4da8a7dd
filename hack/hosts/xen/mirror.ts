import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../bed/run.ts';

/** One stanza of apt's sources: deb822 field names in lower case, values as written. */
export type AptSource = ReadonlyMap<string, string>;

/** Where packages of another suite come from on this machine. */
export interface AptMirror {
  /** Sources in deb822 format for the wanted suite. */
  readonly sources: string;
  /** Settings of the machine's own apt that fetching depends on: proxies, time-outs, checks of dates. */
  readonly options: readonly string[];
}

const DEFAULT_KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** apt.conf settings that say how to reach a mirror, in `apt-config dump`'s form. */
const REACH = /^Acquire::(?:http|https|Retries|Check-Valid-Until|Check-Date|Max-FutureTime|ForceIPv[46]|Proxy)\b/i;

/** The mirror that this machine's apt uses, asked for a suite of the same distribution. */
export async function readAptMirror(suite: string): Promise<AptMirror> {
  const sources = await readSources();
  const codename = await readCodename();
  const { stdout } = await run(['apt-config', 'dump'], { timeoutMs: 10_000 });
  return { sources: sourcesFor(suite, codename, sources), options: reachOptions(stdout) };
}

/** deb822 stanzas for `suite`, made of those that the machine has for its own suite `codename`. */
export function sourcesFor(suite: string, codename: string, sources: readonly AptSource[]): string {
  const own = new Set([codename, 'stable', 'oldstable', 'testing', 'unstable', 'sid']);
  const archive = sources.find((source) => isBinary(source) && suites(source).some((name) => own.has(name)));
  if (archive === undefined) {
    throw new Error(`apt's sources name no Debian mirror for ${codename}: /etc/apt/sources.list, sources.list.d`);
  }
  const security = sources.find(
    (source) => isBinary(source) && suites(source).some((name) => /^[a-z]+-security$|^[a-z]+\/updates$/.test(name)),
  );
  const stanzas = [stanza(archive, `${suite} ${suite}-updates`)];
  if (security !== undefined) stanzas.push(stanza(security, `${suite}-security`));
  return stanzas.join('\n');
}

/** The lines of `apt-config dump` that mmdebstrap's own apt has to be told, as KEY "VALUE". */
export function reachOptions(dump: string): readonly string[] {
  return dump.split('\n').flatMap((line) => {
    const match = /^(\S+) "(.*)";$/.exec(line);
    const [, key, value] = match ?? [];
    return key !== undefined && value !== undefined && value !== '' && REACH.test(key) ? [`${key} "${value}"`] : [];
  });
}

/** Parses the deb822 format of a .sources file. */
export function parseDeb822(text: string): readonly AptSource[] {
  const lines = text.split('\n').filter((line) => !line.startsWith('#'));
  return lines
    .join('\n')
    .split(/\n\s*\n/)
    .filter((block) => block.trim() !== '')
    .map((block) => {
      const fields = new Map<string, string>();
      let last: string | undefined;
      for (const line of block.split('\n')) {
        const match = /^([A-Za-z][\w-]*):\s*(.*)$/.exec(line);
        if (match?.[1] !== undefined) {
          last = match[1].toLowerCase();
          fields.set(last, match[2] ?? '');
        } else if (last !== undefined && /^\s+\S/.test(line)) {
          fields.set(last, `${fields.get(last) ?? ''}\n${line}`);
        }
      }
      return fields;
    });
}

/** Parses the one-line format of a .list file: deb [option=value …] URI SUITE COMPONENT… */
export function parseOneLine(text: string): readonly AptSource[] {
  return text.split('\n').flatMap((raw) => {
    const line = raw.replace(/#.*/, '').trim();
    const match = /^(deb|deb-src)\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+(\S+)\s*(.*)$/.exec(line);
    if (match === null) return [];
    const [, type = '', options = '', uri = '', suite = '', components = ''] = match;
    const fields = new Map([
      ['types', type],
      ['uris', uri],
      ['suites', suite],
      ['components', components],
    ]);
    for (const option of options.split(/\s+/).filter((word) => word.includes('='))) {
      const [key = '', value = ''] = option.split(/=(.*)/s);
      fields.set(key.toLowerCase(), value.replaceAll(',', ' '));
    }
    return [fields];
  });
}

/** Options of a source that are about whom to trust, kept for the other suite. */
const KEPT = ['signed-by', 'trusted', 'allow-insecure', 'allow-weak', 'check-valid-until', 'check-date', 'by-hash'];

function stanza(source: AptSource, wanted: string): string {
  const fields = [`Types: deb`, `URIs: ${source.get('uris') ?? ''}`, `Suites: ${wanted}`, `Components: main`];
  for (const name of KEPT) {
    const value = source.get(name);
    if (value !== undefined) fields.push(`${name}: ${value}`);
  }
  if (!source.has('signed-by')) fields.push(`signed-by: ${DEFAULT_KEYRING}`);
  return `${fields.join('\n')}\n`;
}

function isBinary(source: AptSource): boolean {
  const enabled = source.get('enabled')?.toLowerCase() !== 'no';
  return enabled && words(source, 'types').includes('deb') && words(source, 'components').includes('main');
}

function suites(source: AptSource): readonly string[] {
  return words(source, 'suites');
}

function words(source: AptSource, field: string): readonly string[] {
  return (source.get(field) ?? '').split(/\s+/).filter((word) => word !== '');
}

async function readSources(): Promise<readonly AptSource[]> {
  const folder = '/etc/apt/sources.list.d';
  const names = (await entries(folder)).toSorted();
  const found = [...parseOneLine(await contentOf('/etc/apt/sources.list'))];
  for (const name of names) {
    if (name.endsWith('.sources')) found.push(...parseDeb822(await contentOf(join(folder, name))));
    if (name.endsWith('.list')) found.push(...parseOneLine(await contentOf(join(folder, name))));
  }
  return found;
}

async function readCodename(): Promise<string> {
  const release = await readFile('/etc/os-release', 'utf8');
  return /^VERSION_CODENAME="?([a-z]+)"?$/m.exec(release)?.[1] ?? 'stable';
}

async function contentOf(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(unlessMissing(''));
}

async function entries(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch(unlessMissing<readonly string[]>([]));
}

function unlessMissing<T>(otherwise: T): (error: unknown) => T {
  return (error) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return otherwise;
    throw error;
  };
}

import { dirname, resolve } from 'node:path';

import { parseFile, readFileValues } from './file.ts';
import type { FileValues } from './file.ts';
import { flagOf, namesOf, variableOf } from './option.ts';
import type { OptionSpec, OptionTable, Surroundings } from './option.ts';
import type { Reading } from './values.ts';

/** Texts that flags gave; a switch gives `true`. */
export type FlagValues = Readonly<Partial<Record<string, string>>>;

export type Environment = Readonly<Record<string, string | undefined>>;

/** Reads a file as text; rejects as node:fs does. */
export type ReadFile = (path: string) => Promise<string>;

/** Something said that cannot be: `message` is one line that names the flag, variable, or file and key. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

interface Said {
  readonly text: string;
  /** How to name where it was said. */
  readonly source: string;
  /** What its paths are relative to. */
  readonly folder: string;
}

/**
 * The configuration of a command: a flag counts more than an environment variable, that more than the file, that more
 * than the default. Paths in the file are relative to its folder. An empty variable counts as not said. Throws ConfigError.
 */
export const loadConfig = async <C>(
  table: OptionTable<C>,
  flags: FlagValues,
  environment: Environment,
  surroundings: Surroundings,
  readFile: ReadFile,
): Promise<C> => {
  const names = namesOf(table);
  const path = flags['config'] ?? nonEmpty(environment[variableOf('config')]);
  const file = await loadFile(path, table, surroundings, readFile);
  const said = (name: string): Said | undefined => {
    const flag = flags[name];
    if (flag !== undefined) return { text: flag, source: flagOf(name), folder: surroundings.folder };
    const variable = nonEmpty(environment[variableOf(name)]);
    if (variable !== undefined) return { text: variable, source: variableOf(name), folder: surroundings.folder };
    const value = file?.values[name];
    return value === undefined || file === undefined
      ? undefined
      : { text: value, source: `${file.path}: ${name}`, folder: dirname(file.path) };
  };
  const entries = names.map((name) => [name, valueOf(table[name], said(name), surroundings)]);
  // Each value was made by the option of its own name, so the types fit; TypeScript cannot follow them through a list.
  return Object.fromEntries(entries) as C;
};

const nonEmpty = (text: string | undefined): string | undefined => (text === '' ? undefined : text);

const valueOf = <T>(option: OptionSpec<T>, said: Said | undefined, surroundings: Surroundings): T => {
  if (said === undefined) return option.fallback(surroundings);
  const reading = option.read(said.text, { ...surroundings, folder: said.folder });
  if (!reading.ok) throw new ConfigError(`${said.source}: ${reading.why}`);
  return reading.value;
};

interface LoadedFile {
  readonly path: string;
  readonly values: FileValues;
}

const loadFile = async <C>(
  given: string | undefined,
  table: OptionTable<C>,
  { folder }: Surroundings,
  readFile: ReadFile,
): Promise<LoadedFile | undefined> => {
  if (given === undefined) return undefined;
  const path = resolve(folder, given);
  let text: string;
  try {
    text = await readFile(path);
  } catch (error) {
    throw new ConfigError(`${path}: cannot be read (${codeOf(error)})`, { cause: error });
  }
  const content = orThrow(path, await parseFile(text));
  return { path, values: orThrow(path, readFileValues(table, content)) };
};

const orThrow = <T>(path: string, reading: Reading<T>): T => {
  if (!reading.ok) throw new ConfigError(`${path}: ${reading.why}`);
  return reading.value;
};

/** The code of a system error (`ENOENT`), or the name of any other. */
export const codeOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
};

import { resolve } from 'node:path';

import { readText } from './values.ts';
import type { Reading } from './values.ts';

/** What some defaults depend on, and what paths are relative to. */
export interface Surroundings {
  readonly hostname: string;
  readonly isTerminal: boolean;
  readonly folder: string;
}

/** One thing that can be told by flag, environment variable and file key alike. */
export interface OptionSpec<T> {
  /** `KEY=VALUE`, as --help shows it; undefined for a switch. */
  readonly placeholder: string | undefined;
  /** A sentence without its full stop. */
  readonly description: string;
  /** The default as --help shows it. */
  readonly shownDefault: string;
  fallback(surroundings: Surroundings): T;
  read(text: string, surroundings: Surroundings): Reading<T>;
}

/** All that a command can be told, by the names of its configuration's fields. */
export type OptionTable<C> = { readonly [K in keyof C]: OptionSpec<C[K]> };

/** The names of a command's options, in the order of its help. */
export const namesOf = <C>(table: OptionTable<C>): readonly (keyof C & string)[] =>
  Object.keys(table) as (keyof C & string)[];

/** A path, relative to where it was said. */
export const readPath = (text: string, { folder }: Surroundings): Reading<string> => {
  const reading = readText(text);
  return reading.ok ? { ok: true, value: resolve(folder, reading.value) } : reading;
};

const words = (name: string): string => name.replaceAll(/([A-Z])/g, '-$1').toLowerCase();

/** `hostLostAfter` as a flag: `--host-lost-after`. */
export const flagOf = (name: string): string => `--${words(name)}`;

/** `hostLostAfter` as a variable: `HATCHERY_HOST_LOST_AFTER`. */
export const variableOf = (name: string): string => `HATCHERY_${words(name).replaceAll('-', '_').toUpperCase()}`;

import { Ajv } from 'ajv';
import type { ErrorObject } from 'ajv';

import { nearest } from './nearest.ts';
import { namesOf } from './option.ts';
import type { OptionTable } from './option.ts';
import type { Reading } from './values.ts';

/** What a configuration file says, as text; the same readers as for flags make values of it. */
export type FileValues = Readonly<Partial<Record<string, string>>>;

/** Most bytes of a configuration file: more is no configuration. */
export const MAX_FILE_BYTES = 1_048_576;

const schemaOf = <C>(table: OptionTable<C>) => ({
  type: 'object',
  additionalProperties: false,
  properties: Object.fromEntries(
    namesOf(table).map((name) => [
      name,
      table[name].placeholder === undefined ? { type: 'boolean' } : { type: 'string', minLength: 1 },
    ]),
  ),
});

const describe = (error: ErrorObject | undefined, names: readonly string[]): string => {
  if (error === undefined) return 'is refused';
  const key = error.instancePath.slice(1);
  if (error.keyword === 'additionalProperties') {
    const unknown = String((error.params as { readonly additionalProperty: unknown }).additionalProperty);
    const meant = nearest(unknown, names);
    return `unknown key ${unknown}; ${meant === undefined ? `known are ${names.join(', ')}` : `did you mean ${meant}?`}`;
  }
  if (key === '') return 'must be a map of keys to values';
  if (error.keyword === 'minLength') return `${key}: is empty`;
  return `${key}: must be a ${String((error.params as { readonly type?: unknown }).type)}`;
};

/** Checks the content of a configuration file (YAML, of which JSON is a part), parsed already. */
export const readFileValues = <C>(table: OptionTable<C>, content: unknown): Reading<FileValues> => {
  // A file that holds nothing but comments says nothing.
  const values: unknown = content ?? {};
  const validate = new Ajv({ allErrors: false }).compile<Readonly<Record<string, string | boolean>>>(schemaOf(table));
  if (!validate(values)) return { ok: false, why: describe(validate.errors?.[0], namesOf(table)) };
  return {
    ok: true,
    value: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)])),
  };
};

/** Parses YAML or JSON. The parser is loaded only by those who have a file. */
export const parseFile = async (text: string): Promise<Reading<unknown>> => {
  if (Buffer.byteLength(text) > MAX_FILE_BYTES) return { ok: false, why: `is longer than ${MAX_FILE_BYTES} bytes` };
  const { parseDocument } = await import('yaml');
  const document = parseDocument(text, { prettyErrors: true });
  const [error] = document.errors;
  if (error !== undefined) {
    const [line] = error.linePos ?? [];
    const where = line === undefined ? '' : `line ${line.line}, column ${line.col}: `;
    return { ok: false, why: `${where}is neither YAML nor JSON (${error.code})` };
  }
  return { ok: true, value: document.toJS({ maxAliasCount: 10 }) as unknown };
};

import { stringify } from 'yaml';

import type { Schema } from './schema.ts';

/** Run policy that can be changed while the domain lives: what is stored of it is the template's word alone. */
const MUTABLE = ['activeDeadlineSeconds', 'ttlSecondsAfterFinished'];

const TEMPLATE: Schema = {
  type: 'object',
  description: 'The template that it was made from, as it was then.',
  required: ['name', 'uid', 'generation'],
  properties: {
    name: { type: 'string', description: 'Its metadata.name.', maxLength: 253 },
    uid: { type: 'string', description: 'Its metadata.uid.', maxLength: 64 },
    generation: { type: 'integer', format: 'int64', description: 'Its metadata.generation.' },
  },
};

/** Without rules: only the controller writes a status, and what it copies from a spec was checked there. */
const withoutRules = (schema: Schema): Schema => {
  const fields = Object.entries(schema).filter(([key]) => key !== 'x-kubernetes-validations');
  return {
    ...(Object.fromEntries(fields) as Schema),
    ...(schema.properties === undefined ? {} : { properties: mapSchemas(schema.properties, withoutRules) }),
    ...(schema.items === undefined ? {} : { items: withoutRules(schema.items) }),
  };
};

/** Two selectors in one: twice the labels, and for each that both name with another value an expression of its own. */
const withRoom = (schema: Schema): Schema => ({
  ...schema,
  ...(schema.maxItems === undefined ? {} : { maxItems: schema.maxItems * 3 }),
  ...(schema.maxProperties === undefined ? {} : { maxProperties: schema.maxProperties * 2 }),
  ...(schema.properties === undefined ? {} : { properties: mapSchemas(schema.properties, withRoom) }),
});

const mapSchemas = (
  schemas: Readonly<Record<string, Schema>>,
  change: (schema: Schema, name: string) => Schema,
): Readonly<Record<string, Schema>> =>
  Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, change(schema, name)]));

/** The schema of status.resolved, made from that of an EphemeralDomain's spec without its templateRef. */
export const resolvedSchema = (spec: Schema): Schema => {
  const fields = mapSchemas(spec.properties ?? {}, (schema, name) => {
    const plain = name === 'hostSelector' ? withRoom(withoutRules(schema)) : withoutRules(schema);
    if (!MUTABLE.includes(name)) return plain;
    return { ...plain, description: `The template's ${name}; spec.${name}, where it is set, counts in its place.` };
  });
  return {
    type: 'object',
    description:
      'What templateRef and parameters came to, stored when a host was found: all later attempts run it too, whatever ' +
      'becomes of the template. Absent where spec.domain says what runs.',
    required: ['template', 'domain'],
    properties: { template: TEMPLATE, ...fields },
  };
};

/**
 * A YAML text with the value of the only key `name` that stands alone on its line replaced by a schema; all else stays as it
 * is, to the letter.
 */
export const withBlock = (text: string, name: string, schema: Schema): string => {
  const lines = text.split('\n');
  const starts = lines.flatMap((line, index) => (line.trim() === `${name}:` ? [index] : []));
  const [start] = starts;
  if (starts.length !== 1 || start === undefined) throw new Error(`${name}: stands ${starts.length} times, not once`);
  const indentOf = (line: string): number => line.length - line.trimStart().length;
  const indent = indentOf(lines[start] ?? '');
  const after = lines.findIndex((line, index) => index > start && (line.trim() === '' || indentOf(line) <= indent));
  const block = stringify({ [name]: schema }, { lineWidth: 100, singleQuote: true })
    .trimEnd()
    .split('\n')
    .map((line) => `${' '.repeat(indent)}${line}`);
  return [...lines.slice(0, start), ...block, ...lines.slice(after)].join('\n');
};

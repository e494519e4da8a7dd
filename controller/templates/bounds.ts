/** What of a parametersSchema is taken at all. A tenant writes it and the controller runs it, so its cost is bounded first. */

/** A schema's text as JSON, UTF-16 units. */
export const MAX_SCHEMA_LENGTH = 16_384;
/** Objects, lists and values in it, and how deep they lie: a schema within these compiles in well below a second. */
const MAX_NODES = 1_024;
const MAX_DEPTH = 16;

/**
 * Keywords that are refused, and why. References can make a schema of any size out of a small one; a pattern can take a
 * backtracking matcher years; the others change who reads the schema, and how.
 */
const REFUSED: ReadonlyMap<string, string> = new Map([
  ...['$ref', '$dynamicRef', '$recursiveRef'].map((name) => [name, 'write out what it refers to'] as const),
  ...['$id', 'id', '$async', '$anchor', '$dynamicAnchor'].map((name) => [name, 'remove it'] as const),
  ...['pattern', 'patternProperties'].map((name) => [name, 'use enum, type or maxLength'] as const),
]);

/** Keywords whose value is a schema, a list of schemas, or a map of names to schemas. */
const ONE: ReadonlySet<string> = new Set([
  ...['not', 'if', 'then', 'else', 'additionalProperties', 'propertyNames'],
  ...['items', 'additionalItems', 'contains', 'unevaluatedProperties', 'unevaluatedItems'],
]);
const MANY: ReadonlySet<string> = new Set(['allOf', 'anyOf', 'oneOf', 'items']);
const NAMED: ReadonlySet<string> = new Set(['properties', 'dependencies', 'dependentSchemas', 'definitions', '$defs']);

/** Why a schema is not taken, as the end of a sentence that begins with parametersSchema; undefined where it is. */
export const schemaFault = (schema: Readonly<Record<string, unknown>>): string | undefined =>
  sizeFault(schema) ?? keywordFault(schema);

const sizeFault = (schema: unknown): string | undefined => {
  if (JSON.stringify(schema).length > MAX_SCHEMA_LENGTH) {
    return `is longer than ${MAX_SCHEMA_LENGTH} characters: shorten it`;
  }
  let nodes = 0;
  const depthOf = (value: unknown, depth: number): number => {
    nodes += 1;
    if (typeof value !== 'object' || value === null || nodes > MAX_NODES || depth > MAX_DEPTH) return depth;
    return Object.values(value).reduce<number>((most, child) => Math.max(most, depthOf(child, depth + 1)), depth);
  };
  if (depthOf(schema, 1) > MAX_DEPTH) return `is nested more than ${MAX_DEPTH} deep: make it flatter`;
  return nodes > MAX_NODES ? `holds more than ${MAX_NODES} values: shorten it` : undefined;
};

const keywordFault = (schema: unknown): string | undefined => {
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) return undefined;
  for (const [keyword, value] of Object.entries(schema)) {
    const advice = REFUSED.get(keyword);
    if (advice !== undefined) return `uses ${keyword}, which is not supported: ${advice}`;
    for (const child of schemasOf(keyword, value)) {
      const fault = keywordFault(child);
      if (fault !== undefined) return fault;
    }
  }
  return undefined;
};

const schemasOf = (keyword: string, value: unknown): readonly unknown[] => {
  if (Array.isArray(value)) return MANY.has(keyword) ? value : [];
  if (ONE.has(keyword)) return [value];
  return NAMED.has(keyword) && typeof value === 'object' && value !== null ? Object.values(value) : [];
};

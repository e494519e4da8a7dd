import type { ErrorObject } from 'ajv';

/** Most faults that are told at once, and most values that are listed in one. */
const MOST = 5;
const MOST_VALUES = 20;

/** What is wrong with parameters, in one sentence that names each and says what it wants. `known`: names of the schema. */
export const sentenceOf = (errors: readonly ErrorObject[], known: readonly string[]): string => {
  const faults = [...new Set(errors.map((error) => faultOf(error, known)))];
  const told = faults.slice(0, MOST).join('; ');
  return faults.length > MOST ? `${told}; and ${faults.length - MOST} more` : told;
};

const faultOf = (error: ErrorObject, known: readonly string[]): string => {
  const params = error.params as Readonly<Record<string, unknown>>;
  const [, name] = error.instancePath.split('/');
  if (error.keyword === 'required') return `parameter ${text(params['missingProperty'])} is missing: give it a value`;
  if (error.keyword === 'additionalProperties') {
    const names = known.length === 0 ? 'it has none' : `it has ${listed(known)}`;
    return `parameter ${text(params['additionalProperty'])} is none of the template's (${names}): remove it`;
  }
  return `${name === undefined ? 'the parameters' : `parameter ${name}`} ${wish(error, params)}`;
};

const wish = ({ keyword, message }: ErrorObject, params: Readonly<Record<string, unknown>>): string => {
  const limit = text(params['limit']);
  switch (keyword) {
    case 'enum':
      return `must be one of ${listed((params['allowedValues'] as readonly unknown[]).map(text))}`;
    case 'const':
      return `must be ${text(params['allowedValue'])}`;
    case 'type':
      return `must be ${[params['type']].flat().map(kind).join(' or ')}`;
    case 'minimum':
      return `must be at least ${limit}`;
    case 'maximum':
      return `must be at most ${limit}`;
    case 'exclusiveMinimum':
      return `must be more than ${limit}`;
    case 'exclusiveMaximum':
      return `must be less than ${limit}`;
    case 'multipleOf':
      return `must be a multiple of ${text(params['multipleOf'])}`;
    case 'minLength':
      return `must have at least ${limit} characters`;
    case 'maxLength':
      return `must have at most ${limit} characters`;
    default:
      return message ?? `does not suit ${keyword}`;
  }
};

const kind = (type: unknown): string => {
  switch (type) {
    case 'integer':
      return 'a whole number';
    case 'number':
      return 'a number';
    case 'boolean':
      return 'true or false';
    case 'string':
      return 'a text';
    default:
      return text(type);
  }
};

const text = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

const listed = (values: readonly string[]): string => {
  const shown = values.slice(0, MOST_VALUES).join(', ');
  return values.length > MOST_VALUES ? `${shown} and ${values.length - MOST_VALUES} more` : shown;
};

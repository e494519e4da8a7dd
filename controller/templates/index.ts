/** What an EphemeralDomain and its template come to together: merged, checked, never with a ConfigMap's or a Secret's content. */
export { checkParameters, plainValues, resolveTemplate } from './resolve.ts';
export type { Refusal, Resolution } from './resolve.ts';
export { SchemaCache } from './schema.ts';
export type { SchemaReading } from './schema.ts';

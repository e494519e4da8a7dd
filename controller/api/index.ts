/** Hatchery's API, group hatchery.dev: types (made from crds/), names, conditions, reasons, quantities. */
export type * from './ephemeraldomain.gen.ts';
export type * from './domainhost.gen.ts';
export type * from './ephemeraldomaintemplate.gen.ts';
export * from './schema-version.gen.ts';
export * from './constants.ts';
export * from './conditions.ts';
export * from './reasons.ts';
export * from './defaults.ts';
export * from './effective.ts';
export * from './http-policy.ts';
export * from './resources.ts';
export * from './quantity.ts';

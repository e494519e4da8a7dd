/** One request's EphemeralDomain: made, waited for, followed to its end. */
export * from './types.ts';
export * from './failure.ts';
export * from './marks.ts';
export { labelValue } from './words.ts';
export { Spawner } from './spawner.ts';
export type { SpawnerOptions } from './spawner.ts';
export { createStandIn } from './stand-in.ts';
export type { StandIn } from './stand-in.ts';

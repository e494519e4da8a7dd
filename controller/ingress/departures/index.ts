/** When the domain of a deleted EphemeralDomain is gone from its host. */
export { Departures } from './departures.ts';
export type { Departing } from './departures.ts';

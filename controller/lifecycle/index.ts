/** Places EphemeralDomains, starts them at most once for an attempt, follows them to their end. */
export type { ControllerDeps, ControllerOptions } from './deps.ts';
export { createController } from './controller.ts';
export type { Controller } from './controller.ts';
export type { RequestTimes, TimelineSink, TimesNoted } from './timeline.ts';
export type { ConsoleAnswer, ConsoleSource } from './console-source.ts';
export type { Deleted, PresenceSource } from './presence.ts';

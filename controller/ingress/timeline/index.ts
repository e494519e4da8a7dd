/** Tells the controller when a request's guest was ready and its answer began, for the EphemeralDomain's timeline. */
export { createTimelineSender } from './sender.ts';
export type { TimelineMessage, TimelineSender, TimelineSenderParts } from './sender.ts';

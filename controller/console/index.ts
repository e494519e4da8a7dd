/** Consoles of domains: captured, followed, made safe. Knows libvirt's streams, and nothing of resources. */
export type { ConsoleSink } from './follower.ts';
export { HostConsoles, MAX_CONSOLES } from './host-consoles.ts';
export type { FollowAnswer } from './host-consoles.ts';
export { ConsoleText } from './text.ts';
export { Throttle } from './throttle.ts';

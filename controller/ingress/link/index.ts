/** The way from a replica of the ingress to the controller that acts. */
export { createComplaint } from './complaint.ts';
export { createLink } from './link.ts';
export type { Link, LinkParts, Message, Reply } from './link.ts';

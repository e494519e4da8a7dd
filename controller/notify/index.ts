/** How a guest makes itself known: what it says by POST, and what a look at its ports says. Knows no Kubernetes. */
export * from './exit-report.ts';
export * from './receiver.ts';
export { startNotifyServer } from './server.ts';
export type { NotifyServer, NotifyServerOptions } from './server.ts';
export * from './probe.ts';
export { createToken } from './token.ts';

/** The controller's HTTPS port: callers of the cluster, identified and authorized by its API server. */
export { Callers } from './callers.ts';
export type { Caller } from './callers.ts';
export { anchorOf, checkServing, selfSigned } from './certificate.ts';
export type { ServingCertificate } from './certificate.ts';
export { AUTHENTICATION, followClientCa } from './client-ca.ts';
export { consoleRoute } from './console-route.ts';
export { MAX_ASKED, presenceQuestion, readPresence } from './presence-message.ts';
export { presenceRoute } from './presence-route.ts';
export { startHttpsServer } from './server.ts';
export type { Call, HttpsServer, Route } from './server.ts';
export { timelineRoute } from './timeline-route.ts';
export { timelineMessage } from './timeline-message.ts';

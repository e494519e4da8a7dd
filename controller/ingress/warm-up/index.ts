/** What an ingress does before it is ready, so that its first crowd waits no longer than others. */
export { FULL, ownRoutes, ROOMY } from './own-routes.ts';
export { createWarmUp } from './warm-up.ts';

/** The way to the controller that acts: where its Lease says that it is, and whom alone to trust there. */
export { addressIn, findController, NoController } from './address.ts';
export type { ControllerAddress } from './address.ts';
export { connectionTo, identityOf, impersonates, requestTo } from './connection.ts';

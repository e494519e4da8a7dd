/** Who gets a domain, who waits, and who is told to come back: a bounded and fair queue. */
export * from './types.ts';
export { AdmissionQueue } from './admission.ts';

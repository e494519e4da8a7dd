import { randomBytes, timingSafeEqual } from 'node:crypto';

/** 128 random bits in 32 hexadecimal digits: what a guest that was told NOTIFY_URL shows. */
export const createToken = (): string => randomBytes(16).toString('hex');

/** Whether a request shows what its domain was given; one that was given none must show none. */
export const isToken = (shown: string | undefined, given: string | undefined): boolean => {
  if (shown === undefined || given === undefined) return shown === given;
  const [one, other] = [Buffer.from(shown), Buffer.from(given)];
  return one.length === other.length && timingSafeEqual(one, other);
};

import { randomBytes } from 'node:crypto';

const POOL_BYTES = 4_096;

/**
 * So many random bytes as lower-case hex, none of them given out twice. They are drawn from the system by the page: a
 * request needs a few of them, and a system call for each is a good part of what it takes to refuse one.
 */
export const createRandomHex = (draw: (bytes: number) => Buffer = randomBytes): ((bytes: number) => string) => {
  let pool: Buffer = Buffer.alloc(0);
  let used = 0;
  return (bytes) => {
    if (used + bytes > pool.length) {
      pool = draw(Math.max(POOL_BYTES, bytes));
      used = 0;
    }
    used += bytes;
    return pool.toString('hex', used - bytes, used);
  };
};

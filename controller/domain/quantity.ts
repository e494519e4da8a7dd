import { parseBytes } from '#controller/api/index.ts';

/** A memory quantity in KiB, the unit of libvirt, rounded up; undefined where it is no quantity. */
export const quantityKiB = (quantity: string | number): number | undefined => {
  const bytes = parseBytes(quantity);
  return bytes === undefined ? undefined : Math.ceil(bytes / 1024);
};

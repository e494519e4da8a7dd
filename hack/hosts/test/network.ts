/** Addresses of a host on the test driver, where nothing is routed: 198.19.(4 * (N - 1)).0/22 for host N. */
export function testNetwork(n: number): { readonly domainCIDR: string; readonly gateway: string } {
  if (!Number.isInteger(n) || n < 1 || n > 64)
    throw new RangeError(`test host ${n}: must be a whole number from 1 to 64`);
  const third = 4 * (n - 1);
  return { domainCIDR: `198.19.${third}.0/22`, gateway: `198.19.${third}.1` };
}

import type { Head } from '../proxy/index.ts';

/** HTTPS' own, which a URL need not name. */
const USUAL_PORT = 443;

/**
 * The same under https. A visitor who names a port reaches this ingress by the ports that it listens on; for one who names
 * none something in front has given it the usual ones.
 */
export const secureLocation = (
  { authority, host, target }: Pick<Head, 'authority' | 'host' | 'target'>,
  httpsPort: number | undefined,
): string => {
  const isNamed = /:\d+$/.test(authority);
  const port = isNamed && httpsPort !== undefined && httpsPort !== USUAL_PORT ? `:${httpsPort}` : '';
  return `https://${host}${port}${target}`;
};

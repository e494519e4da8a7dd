import { LeaseAnnotation } from '#controller/api/index.ts';
import { codeOf, ConfigError } from '#controller/config/index.ts';
import type { ControllerConfig, ReadFile } from '#controller/config/index.ts';
import { anchorOf, checkServing, selfSigned } from '#controller/serve/index.ts';
import type { ServingCertificate } from '#controller/serve/index.ts';

type HttpsConfig = Pick<ControllerConfig, 'httpsAddress' | 'httpsAdvertise' | 'tlsCertFile' | 'tlsPrivateKeyFile'>;

/** All addresses of a machine, as people write them. */
const ANY: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

/** Host name or address by which clients reach the HTTPS address. */
export const advertisedHost = ({ httpsAddress, httpsAdvertise }: HttpsConfig, hostname: string): string => {
  if (httpsAdvertise?.host !== undefined) return httpsAdvertise.host;
  const { host } = httpsAddress;
  return host === undefined || ANY.has(host) ? hostname : host;
};

/** What the Lease says of its holder: where it serves, `port` being the one it listens on, and whom to trust there. */
export const leaseAnnotations = (
  config: HttpsConfig,
  hostname: string,
  port: number,
  certificate: ServingCertificate,
): Readonly<Record<string, string>> => {
  const host = advertisedHost(config, hostname);
  const told = config.httpsAdvertise?.port ?? 0;
  const address = `${host.includes(':') ? `[${host}]` : host}:${told === 0 ? port : told}`;
  return { [LeaseAnnotation.Address]: address, [LeaseAnnotation.Ca]: anchorOf(certificate) };
};

/** The certificate that was named, or one made now. Throws ConfigError where what was named will not do. */
export const servingCertificate = async (
  config: HttpsConfig,
  hostname: string,
  readFile: ReadFile,
): Promise<ServingCertificate> => {
  const { tlsCertFile, tlsPrivateKeyFile } = config;
  if (tlsCertFile === undefined && tlsPrivateKeyFile === undefined) {
    return selfSigned([advertisedHost(config, hostname)], new Date());
  }
  if (tlsCertFile === undefined) throw new ConfigError('tls-private-key-file: needs tls-cert-file too');
  if (tlsPrivateKeyFile === undefined) throw new ConfigError('tls-cert-file: needs tls-private-key-file too');
  const load = (option: string, path: string): Promise<string> =>
    readFile(path).catch((error: unknown) => {
      throw new ConfigError(`${option}: ${path}: cannot be read (${codeOf(error)})`, { cause: error });
    });
  const certificate = {
    cert: await load('tls-cert-file', tlsCertFile),
    key: await load('tls-private-key-file', tlsPrivateKeyFile),
  };
  try {
    checkServing(certificate);
  } catch (error) {
    throw new ConfigError(`tls-cert-file: ${tlsCertFile}: ${error instanceof Error ? error.message : String(error)}`);
  }
  return certificate;
};

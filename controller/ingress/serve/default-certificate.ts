import { SECRETS } from '#controller/kube/index.ts';
import type { RestClient } from '#controller/kube/index.ts';
import { keyPairOf } from '../routes/index.ts';
import type { Certificate } from '../routes/index.ts';

/** What visitors are shown who name no host, or one that no Ingress has a certificate for. */
export interface DefaultCertificate {
  readonly certificate: Certificate;
  /** Never logged. */
  readonly pem: { readonly cert: string; readonly key: string };
}

export type DefaultCertificateReading =
  { readonly ok: true; readonly value: DefaultCertificate } | { readonly ok: false; readonly why: string };

/** Reads it from a Secret, by a list of that one: the ingress may list Secrets by name, and has no right to get them. */
export const readDefaultCertificate = async (
  client: Pick<RestClient, 'list'>,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  signal: AbortSignal,
): Promise<DefaultCertificateReading> => {
  const { items } = await client.list(SECRETS, { namespace, fieldSelector: `metadata.name=${name}`, signal });
  const [secret] = items;
  if (secret === undefined) return { ok: false, why: `there is no Secret ${namespace}/${name}` };
  const pair = keyPairOf(secret);
  if (pair.kind === 'unusable') return { ok: false, why: `Secret ${namespace}/${name}: ${pair.fault}` };
  const pem = (entry: string) => Buffer.from(secret.data?.[entry] ?? '', 'base64').toString();
  return { ok: true, value: { certificate: pair.certificate, pem: { cert: pem('tls.crt'), key: pem('tls.key') } } };
};

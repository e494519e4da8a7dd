import { keyOf, SECRETS } from '#controller/kube/index.ts';
import type { RestClient, Secret } from '#controller/kube/index.ts';
import { keyPairOf, Secrets } from '../routes/index.ts';
import type { Certificate, SecretsParts } from '../routes/index.ts';

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
  return certificateOf(keyOf({ namespace, name }), secret);
};

const certificateOf = (key: string, secret: Secret): DefaultCertificateReading => {
  const pair = keyPairOf(secret);
  if (pair.kind === 'unusable') return { ok: false, why: `Secret ${key}: ${pair.fault}` };
  const pem = (entry: string) => Buffer.from(secret.data?.[entry] ?? '', 'base64').toString();
  return { ok: true, value: { certificate: pair.certificate, pem: { cert: pem('tls.crt'), key: pem('tls.key') } } };
};

export interface DefaultCertificatesParts extends Omit<SecretsParts, 'most' | 'changed'> {
  /** undefined: there is no default certificate. */
  readonly secret: { readonly namespace: string; readonly name: string } | undefined;
  readonly first: DefaultCertificate | undefined;
  readonly changed: (certificate: DefaultCertificate) => void;
}

/** Follows the Secret of the default certificate. What it held last that can be used is used on. */
export class DefaultCertificates {
  readonly #parts: DefaultCertificatesParts;
  #current: DefaultCertificate | undefined;
  #seen: string | undefined;

  constructor(parts: DefaultCertificatesParts) {
    this.#parts = parts;
    this.#current = parts.first;
  }

  get current(): DefaultCertificate | undefined {
    return this.#current;
  }

  /** Until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { secret } = this.#parts;
    if (secret === undefined || signal.aborted) return;
    const key = keyOf(secret);
    const secrets = new Secrets({ ...this.#parts, most: 1, changed: () => this.#look(secrets, key) });
    secrets.follow([key]);
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    await secrets.close();
  }

  #look(secrets: Secrets, key: string): void {
    const { logger, changed } = this.#parts;
    const reading = secrets.read(key);
    if (reading.kind !== 'found' && reading.kind !== 'missing') return;
    const seen = reading.kind === 'found' ? reading.secret.metadata.resourceVersion : reading.kind;
    if (seen === this.#seen) return;
    this.#seen = seen;
    const read: DefaultCertificateReading =
      reading.kind === 'found' ? certificateOf(key, reading.secret) : { ok: false, why: `there is no Secret ${key}` };
    if (!read.ok) {
      logger.warn('The default certificate cannot be renewed; the one before it is shown on', { why: read.why });
    } else if (read.value.pem.cert !== this.#current?.pem.cert || read.value.pem.key !== this.#current.pem.key) {
      this.#current = read.value;
      logger.info('The default certificate is another one', { secret: key });
      changed(read.value);
    }
  }
}

import { effectiveSpec, EPHEMERAL_DOMAIN_TEMPLATES, EndReason, secretParameters } from '#controller/api/index.ts';
import type { EphemeralDomain, EphemeralDomainTemplate } from '#controller/api/index.ts';
import { refersTo } from '#controller/domain/cmdline.ts';
import { isKubeError, keyOf } from '#controller/kube/index.ts';
import type { RestClient, Store } from '#controller/kube/index.ts';
import { checkParameters, resolveTemplate, SchemaCache } from '#controller/templates/index.ts';
import type { Refusal } from '#controller/templates/index.ts';
import { readValues } from './values.ts';
import type { ValueLack, Values } from './values.ts';

/** Why a resource cannot be placed yet, whatever place is free. */
export interface Lack {
  readonly reason: 'TemplateNotFound' | ValueLack;
  readonly message: string;
}

/** Why a resource waits. */
export interface Waiting {
  readonly reason: 'Unschedulable' | Lack['reason'];
  readonly message: string;
}

/** What a pending resource comes to. */
export type Preparation =
  /** The resource with status.resolved as it is to be stored with the binding; itself, where no template is asked for. */
  | { readonly kind: 'ready'; readonly resource: EphemeralDomain }
  | { readonly kind: 'lacks'; readonly lack: Lack }
  /** It can never be started. To be confirmed by refresh() first: the cache of templates may be behind. */
  | { readonly kind: 'refused'; readonly refusal: Refusal };

export type Provision =
  | { readonly kind: 'ready'; readonly resource: EphemeralDomain; readonly values: Values }
  | Exclude<Preparation, { kind: 'ready' }>;

export interface PreparerParts {
  readonly rest: Pick<RestClient, 'get'>;
  readonly templates: Store<EphemeralDomainTemplate>;
}

/** Key under which a resource's template is found; undefined where it names none. */
export function templateKeyOf({ metadata, spec }: EphemeralDomain): string | undefined {
  const name = spec.templateRef?.name;
  return name === undefined ? undefined : keyOf({ namespace: metadata.namespace, name });
}

/** Makes of a pending resource, its template, its ConfigMaps and its Secrets what is to be placed and started. */
export class Preparer {
  readonly #parts: PreparerParts;
  readonly #schemas = new SchemaCache();

  constructor(parts: PreparerParts) {
    this.#parts = parts;
  }

  /** From the cache alone. What is resolved already stays as it is. */
  prepare(resource: EphemeralDomain): Preparation {
    const key = templateKeyOf(resource);
    if (key === undefined || effectiveSpec(resource) !== undefined) return whole(resource);
    const template = this.#parts.templates.get(key);
    if (template === undefined) return { kind: 'lacks', lack: noTemplate(resource) };
    const resolution = resolveTemplate(resource.spec, template, this.#schemas.of(template));
    if (!resolution.ok) return { kind: 'refused', refusal: resolution.refusal };
    const status = { ...resource.status, resolved: resolution.resolved };
    return whole({ ...resource, status });
  }

  /**
   * The same with the values of all parameters, ConfigMaps and Secrets read from the API server. Those of a template's
   * parameters are checked against its schema when they are first known: later attempts run what was resolved then. Throws
   * KubeError.
   */
  async provide(resource: EphemeralDomain): Promise<Provision> {
    const prepared = this.prepare(resource);
    if (prepared.kind !== 'ready') return prepared;
    const { namespace = '' } = resource.metadata;
    const parameters = effectiveSpec(prepared.resource)?.parameters ?? [];
    const template = prepared.resource === resource ? undefined : this.#templateOf(resource);
    const reading = await readValues(this.#parts.rest, namespace, parameters);
    if (!reading.ok) {
      const { reason, message } = reading;
      if (reason === 'InvalidParameters') return { kind: 'refused', refusal: { reason, message } };
      return { kind: 'lacks', lack: { reason, message } };
    }
    const { values } = reading;
    const all = new Map([...values.plain, ...values.secrets.texts()]);
    const refusal = template && checkParameters(template, this.#schemas.of(template), all);
    if (refusal !== undefined) return { kind: 'refused', refusal };
    return { kind: 'ready', resource: prepared.resource, values };
  }

  /** A resource as it would be placed now, as far as the cache tells; itself, where it cannot be. */
  foresee(resource: EphemeralDomain): EphemeralDomain {
    const prepared = this.prepare(resource);
    return prepared.kind === 'ready' ? prepared.resource : resource;
  }

  /**
   * Reads the template that a resource is still to be made from into the cache, from the API server; false where there is
   * none. Throws KubeError.
   */
  async refresh(resource: EphemeralDomain): Promise<boolean> {
    const { metadata, spec } = resource;
    const { name } = spec.templateRef ?? {};
    if (name === undefined || effectiveSpec(resource) !== undefined) return true;
    try {
      const ref = { namespace: metadata.namespace, name };
      this.#parts.templates.put(await this.#parts.rest.get(EPHEMERAL_DOMAIN_TEMPLATES, ref, { timeoutMs: 10_000 }));
      return true;
    } catch (error) {
      if (isKubeError(error, 'not-found')) return false;
      throw error;
    }
  }

  #templateOf(resource: EphemeralDomain): EphemeralDomainTemplate | undefined {
    const key = templateKeyOf(resource);
    return key === undefined ? undefined : this.#parts.templates.get(key);
  }
}

/** Refused where its command line, which dom0 logs, asks for a value from a Secret. */
function whole(resource: EphemeralDomain): Preparation {
  const spec = effectiveSpec(resource);
  const { cmdline = '' } = spec?.domain.boot ?? {};
  const secret = spec && secretParameters(spec).find((name) => refersTo(cmdline, name));
  if (secret === undefined) return { kind: 'ready', resource };
  const message =
    `parameter ${secret} comes from a Secret, and dom0 logs command lines for everybody there to read: ` +
    `take $(${secret}) out of boot.cmdline, and let the guest read it from its disk $(SECRETS_DISK)`;
  return { kind: 'refused', refusal: { reason: EndReason.InvalidCommandLine, message } };
}

function noTemplate({ metadata, spec }: EphemeralDomain): Lack {
  const { namespace = '' } = metadata;
  const name = spec.templateRef?.name ?? '';
  const message = `there is no EphemeralDomainTemplate "${name}" in namespace ${namespace}: create it`;
  return { reason: 'TemplateNotFound', message };
}

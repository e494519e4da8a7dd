import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { format, resolveConfig } from 'prettier';
import type { Options } from 'prettier';
import { parseDocument } from 'yaml';

import { resolvedSchema, withBlock } from './resolved.ts';
import { schemaOf, withoutProperties, withoutTransitions } from './schema.ts';
import type { Crd } from './schema.ts';
import { readonlyText, typesOf } from './types.ts';
import type { Naming } from './types.ts';

/** A file that is made, and what it must hold. */
export interface Generated {
  /** From the checkout's root. */
  readonly path: string;
  readonly text: string;
}

const SCHEMA_VERSION = 'hatchery.dev/schema-version';
const TEMPLATE_SPEC = 'spec.versions.0.schema.openAPIV3Schema.properties.spec.properties.template.properties.spec';

const CONDITION = "import type { Condition } from './conditions.ts';";

interface Source {
  readonly name: string;
  readonly naming: Naming;
}

const SOURCES: Readonly<Record<'domain' | 'host' | 'template', Source>> = {
  domain: {
    name: 'ephemeraldomain',
    naming: {
      names: {
        '.spec.domain': 'DomainSpec',
        '.spec.domain.boot': 'BootSpec',
        '.spec.templateRef': 'TemplateReference',
        '.spec.parameters[]': 'Parameter',
        '.spec.parameters[].valueFrom': 'ParameterSource',
        '.spec.parameters[].valueFrom.configMapKeyRef': 'ConfigMapKeySelector',
        '.spec.parameters[].valueFrom.secretKeyRef': 'SecretKeySelector',
        '.spec.domain.console': 'ConsoleSpec',
        '.spec.domain.readiness': 'ReadinessSpec',
        '.spec.domain.readiness.tcp': 'TcpReadiness',
        '.spec.domain.readiness.http': 'HttpReadiness',
        '.spec.domain.disks[]': 'DiskSpec',
        '.spec.domain.disks[].scratch': 'ScratchSpec',
        '.spec.domain.interfaces[]': 'InterfaceSpec',
        '.spec.request': 'RequestSpec',
        '.spec.request.notify': 'RequestNotify',
        '.spec.hostSelector': 'LabelSelector',
        '.spec.hostSelector.matchExpressions[]': 'LabelSelectorRequirement',
        '.spec.tolerations[]': 'Toleration',
        '.status.domain': 'DomainStatus',
        '.status.timeline': 'Timeline',
        '.status.resolved': 'ResolvedSpec',
        '.status.resolved.template': 'ResolvedTemplate',
      },
      given: {
        '.status.conditions[]': 'Condition',
        '.status.resolved.domain': 'DomainSpec',
        '.status.resolved.parameters[]': 'Parameter',
        '.status.resolved.hostSelector': 'LabelSelector',
        '.status.resolved.tolerations[]': 'Toleration',
      },
      imports: [CONDITION],
    },
  },
  host: {
    name: 'domainhost',
    naming: {
      names: {
        '.spec.allowedNamespaces': 'NamespaceSelector',
        '.spec.allowedNamespaces.matchExpressions[]': 'NamespaceSelectorRequirement',
        '.status.hypervisor': 'HypervisorStatus',
        '.status.capacity': 'HostCapacity',
        '.status.allocated': 'HostAllocated',
        '.status.heldAddresses[]': 'HeldAddress',
      },
      given: { '.status.conditions[]': 'Condition' },
      imports: [CONDITION],
    },
  },
  template: {
    name: 'ephemeraldomaintemplate',
    naming: {
      names: {
        '.spec.http': 'HttpSpec',
        '.spec.template': 'EphemeralDomainPattern',
        '.spec.template.metadata': 'EphemeralDomainPatternMetadata',
      },
      given: { '.spec.template.spec': "Omit<EffectiveSpec, 'suspend' | 'request'>" },
      imports: ["import type { EffectiveSpec } from './effective.ts';"],
    },
  },
};

const crdPath = (source: Source): string => `crds/${source.name}s.yaml`;

const parseCrd = (text: string): Crd => parseDocument(text).toJS() as Crd;

/** Of an EphemeralDomain's spec, what is its own business and never a template's. */
const OWN = ['templateRef', 'suspend', 'request'];

/** The template's CRD with the EphemeralDomain's spec in it, comments and all else as they were. */
const templateText = async (before: string, domain: Crd, config: Options): Promise<string> => {
  const document = parseDocument(before);
  const spec = schemaOf(domain).properties?.spec;
  if (spec === undefined) throw new Error(`${crdPath(SOURCES.domain)} has no schema for spec`);
  const description =
    "The EphemeralDomain's spec, but for templateRef, suspend and request: what its EphemeralDomains do not say themselves.";
  const copy = withoutTransitions({ ...withoutProperties(spec, OWN), description });
  const steps = TEMPLATE_SPEC.split('.').map((step) => (/^\d+$/.test(step) ? Number(step) : step));
  document.setIn(steps, document.createNode(copy));
  return format(document.toString({ lineWidth: 120, singleQuote: true }), { ...config, parser: 'yaml' });
};

/** The EphemeralDomain's CRD with status.resolved made from its spec, all else as it was. */
const domainText = async (before: string, config: Options): Promise<string> => {
  const spec = schemaOf(parseCrd(before)).properties?.spec;
  if (spec === undefined) throw new Error(`${crdPath(SOURCES.domain)} has no schema for spec`);
  const text = withBlock(before, 'resolved', resolvedSchema(withoutProperties(spec, OWN)));
  return format(text, { ...config, parser: 'yaml' });
};

const typesFile = async (source: Source, crd: Crd, config: Options): Promise<Generated> => {
  const text = await typesOf(crd, crdPath(source), source.naming);
  return {
    path: `controller/api/${source.name}.gen.ts`,
    text: readonlyText(await format(text, { ...config, parser: 'typescript' })),
  };
};

/** The schema's version, which all CRDs must agree on. */
const versionFile = (crds: readonly Crd[]): Generated => {
  const versions = new Set(crds.map((crd) => crd.metadata.annotations[SCHEMA_VERSION]));
  const [version] = versions;
  if (versions.size !== 1 || version === undefined || !/^[1-9][0-9]*$/.test(version)) {
    throw new Error(`annotation ${SCHEMA_VERSION} must be one and the same number in all of crds/`);
  }
  const text = `// Made from crds/ by \`node hack/generate/main.ts\`: change those files, then run it again.

/** Annotation of each CRD that says which version of the schemas it holds. */
export const SCHEMA_VERSION_ANNOTATION = '${SCHEMA_VERSION}';

/** Version of the schemas that this program was built for. */
export const SCHEMA_VERSION = ${version};
`;
  return { path: 'controller/api/schema-version.gen.ts', text };
};

/** All that is made from crds/ under a checkout's root. */
export const generated = async (root: string): Promise<readonly Generated[]> => {
  const read = (source: Source): Promise<string> => readFile(join(root, crdPath(source)), 'utf8');
  const config = (await resolveConfig(join(root, 'package.json'))) ?? {};
  const ownText = await domainText(await read(SOURCES.domain), config);
  const domain = parseCrd(ownText);
  const host = parseCrd(await read(SOURCES.host));
  const text = await templateText(await read(SOURCES.template), domain, config);
  const template = parseCrd(text);
  return [
    { path: crdPath(SOURCES.domain), text: ownText },
    { path: crdPath(SOURCES.template), text },
    await typesFile(SOURCES.domain, domain, config),
    await typesFile(SOURCES.host, host, config),
    await typesFile(SOURCES.template, template, config),
    versionFile([domain, host, template]),
  ];
};

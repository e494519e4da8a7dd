// Made from crds/ by `node hack/generate/main.ts`: change those files, then run it again.

/** Annotation of each CRD that says which version of the schemas it holds. */
export const SCHEMA_VERSION_ANNOTATION = 'hatchery.dev/schema-version';

/** Version of the schemas that this program was built for. */
export const SCHEMA_VERSION = 4;

import assert from 'node:assert/strict';

import { sharedCluster, STARTUP_TIMEOUT_MS } from '#test/support/bed.ts';
import { eventually } from '#test/support/eventually.ts';

/** What of a published schema is asked for here. */
interface Schema {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
}

/** A field as `kubectl explain` is asked for it, and what it says. */
interface Field {
  readonly path: string;
  readonly text: string;
}

/** Of the API server's own: they are described where they come from. */
const STANDARD = new Set(['apiVersion', 'kind', 'metadata']);
const SHORTEST = 12;

const fieldsBelow = (path: string, schema: Schema): readonly Field[] => {
  const inner =
    schema.items ?? (typeof schema.additionalProperties === 'object' ? schema.additionalProperties : schema);
  return Object.entries(inner.properties ?? {}).flatMap(([name, field]) => {
    const below = `${path}.${name}`;
    return [{ path: below, text: field.description ?? '' }, ...fieldsBelow(below, field)];
  });
};

/** Why a description is not worth reading; undefined: it is. It says more than its field's name, in a sentence of its own. */
const faultOf = ({ path, text }: Field): string | undefined => {
  const name = (path.split('.').at(-1) ?? '').toLowerCase();
  const words = text.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  if (text === '') return `${path}: none`;
  if (text.length < SHORTEST || words.every((word) => name.includes(word))) return `${path}: "${text}" says nothing`;
  return /^(?:[A-Z0-9"'$`]|libvirt)/.test(text) && /[.:)]$/.test(text.trim())
    ? undefined
    : `${path}: "${text}" is no sentence`;
};

describe('kubectl explain, of every field', function () {
  this.timeout(60_000);

  for (const { kind, short, fields } of [
    { kind: 'EphemeralDomain', short: 'edom', fields: 120 },
    { kind: 'EphemeralDomainTemplate', short: 'edt', fields: 50 },
    { kind: 'DomainHost', short: 'dh', fields: 40 },
  ]) {
    describe(kind, () => {
      let schema: Schema;

      before(async function () {
        this.timeout(STARTUP_TIMEOUT_MS);
        const { kubectl } = await sharedCluster();
        // The server publishes the schemas of new kinds a moment after it serves them.
        schema = await eventually(async () => {
          const text = await kubectl(['get', '--raw', '/openapi/v3/apis/hatchery.dev/v1alpha1']);
          const { components } = JSON.parse(text) as {
            readonly components: { readonly schemas: Record<string, Schema> };
          };
          const found = components.schemas[`dev.hatchery.v1alpha1.${kind}`];
          assert.ok(found !== undefined, `${kind} is published`);
          return found;
        });
      });

      it('says something worth reading', () => {
        const own = fieldsBelow(short, schema).filter(({ path }) => !STANDARD.has(path.split('.')[1] ?? ''));
        assert.ok(own.length >= fields, `${own.length} fields`);
        assert.deepEqual(
          [{ path: short, text: schema.description ?? '' }, ...own].flatMap((field) => faultOf(field) ?? []),
          [],
        );
      });

      it('names each of them', async () => {
        const { kubectl } = await sharedCluster();
        // kubectl's list of kinds may be older than the kind.
        const told = await eventually(() => kubectl(['explain', '--recursive', short]), { timeoutMs: 30_000 });
        const names = new Set(Array.from(told.matchAll(/^\s+(\S+)\t<[^>]+>/gm), ([, name]) => name));
        const missing = fieldsBelow(short, schema).filter(({ path }) => !names.has(path.split('.').at(-1)));
        assert.deepEqual(missing, []);
      });
    });
  }
});

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import type { EphemeralDomain } from '#controller/api/index.ts';

/** examples/hello.yaml, so many times under other names, as one YAML List for one `kubectl apply`. */
export async function helloList(count: number): Promise<string> {
  const example = await readFile(join(import.meta.dirname, '..', '..', 'examples', 'hello.yaml'), 'utf8');
  const hello = parse(example) as EphemeralDomain;
  const items = Array.from({ length: count }, (_, index) => ({
    ...hello,
    metadata: { name: `${hello.metadata.name}-${index + 1}` },
  }));
  return stringify({ apiVersion: 'v1', kind: 'List', items }, { aliasDuplicateObjects: false });
}

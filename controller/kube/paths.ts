import type { KubeObject, ObjectRef, ResourceType } from './types.ts';
import type { Selection } from './rest-client.ts';

/** The path of a collection: all namespaces where a namespaced type is given none. */
export function collectionPath(type: ResourceType<KubeObject>, namespace: string | undefined): string {
  const root = type.group === '' ? `/api/${type.version}` : `/apis/${type.group}/${type.version}`;
  const scope = type.namespaced && namespace !== undefined ? `/namespaces/${segment(namespace, 'namespace')}` : '';
  return `${root}${scope}/${type.plural}`;
}

/** The path of one object. Throws BadName where it would name something else (a collection, say). */
export function objectPath(type: ResourceType<KubeObject>, ref: ObjectRef): string {
  if (type.namespaced && (ref.namespace === undefined || ref.namespace === '')) {
    throw new BadName(`${type.kind} ${ref.name} has no namespace`);
  }
  return `${collectionPath(type, ref.namespace)}/${segment(ref.name, 'name')}`;
}

/** A name that must not go into a path; nothing was sent. */
export class BadName extends Error {
  override readonly name = 'BadName';
}

/** What a list or watch asks for, as a query with its question mark. Absent values are left out. */
export function query(values: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && value !== '') parameters.set(name, String(value));
  }
  const text = parameters.toString();
  return text === '' ? '' : `?${text}`;
}

export function selectors(selection: Selection): Record<string, string | undefined> {
  return { labelSelector: selection.labelSelector, fieldSelector: selection.fieldSelector };
}

/** An empty name would turn a DELETE of one into a DELETE of all. */
function segment(text: string, what: string): string {
  if (text === '' || text === '.' || text === '..' || text.includes('/') || text.includes('%')) {
    throw new BadName(`'${text}' is no ${what}`);
  }
  return encodeURIComponent(text);
}

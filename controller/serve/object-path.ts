const NAMESPACE = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const NAME = /^(?=.{1,253}$)[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/;

/** The object that /WORD/NAMESPACE/NAME names; undefined where the path is another. */
export function objectIn({ pathname }: URL): { readonly namespace: string; readonly name: string } | undefined {
  const [, , namespace = '', name = '', ...more] = pathname.split('/');
  return NAMESPACE.test(namespace) && NAME.test(name) && more.length === 0 ? { namespace, name } : undefined;
}

/** The namespace that /WORD/NAMESPACE names; undefined where the path is another. */
export function namespaceIn({ pathname }: URL): string | undefined {
  const [, , namespace = '', ...more] = pathname.split('/');
  return NAMESPACE.test(namespace) && more.length === 0 ? namespace : undefined;
}

/** Whether an object's name can be this. */
export function isName(text: string): boolean {
  return NAME.test(text);
}

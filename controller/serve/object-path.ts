const NAMESPACE = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const NAME = /^(?=.{1,253}$)[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/;

/** The object that /WORD/NAMESPACE/NAME names; undefined where the path is another. */
export function objectIn({ pathname }: URL): { readonly namespace: string; readonly name: string } | undefined {
  const [, , namespace = '', name = '', ...more] = pathname.split('/');
  return NAMESPACE.test(namespace) && NAME.test(name) && more.length === 0 ? { namespace, name } : undefined;
}

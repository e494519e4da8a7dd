/** What a request's method and target ask for. */
export type Target =
  | { readonly kind: 'notice'; readonly what: 'ready' | 'exit'; readonly name: string; readonly token?: string }
  | { readonly kind: 'no-such-path' }
  | { readonly kind: 'wrong-method' };

/** Names of domains at libvirt, see domain/identity.ts: from an address, or from a UUID. */
const PATH = /^(?:\/([0-9A-Za-z]{1,64}))?\/(ready|exit)\/(edom-[0-9a-f-]{1,59})$/;

/** Reads `POST [/TOKEN]/ready/NAME` and `POST [/TOKEN]/exit/NAME`; nothing else is known, no query, no escapes. */
export const readTarget = (method: string | undefined, url: string | undefined): Target => {
  const match = PATH.exec(url ?? '');
  const [, token, what, name] = match ?? [];
  if (name === undefined || (what !== 'ready' && what !== 'exit')) return { kind: 'no-such-path' };
  if (method !== 'POST') return { kind: 'wrong-method' };
  return { kind: 'notice', what, name, ...(token === undefined ? {} : { token }) };
};

import type { Clock, Credentials } from '#controller/kube/index.ts';
import { impersonates, NoController } from '#controller/reach/index.ts';
import type { ControllerAddress } from '#controller/reach/index.ts';
import { post, targetAt, wasStale } from './post.ts';
import type { Answer, Target } from './post.ts';

export interface Message {
  readonly path: string;
  /** JSON. It may arrive twice. */
  readonly body: string;
}

export type Reply =
  | ({ readonly kind: 'answered' } & Answer)
  /** Nobody who acts was reached: another time may do. */
  | { readonly kind: 'unreachable'; readonly why: string; readonly error?: unknown }
  /** These credentials are never taken. */
  | { readonly kind: 'refused'; readonly why: string };

/** Connections to the controller that acts: looked for when there is something to say, kept while it is the one. */
export interface Link {
  /** Says something, within 2 s for each try. Never rejects. */
  say(message: Message): Promise<Reply>;
  close(): Promise<void>;
}

export interface LinkParts {
  /** Where the controller that acts is. Rejects where nobody can tell. */
  readonly find: () => Promise<ControllerAddress>;
  readonly credentials: () => Promise<Credentials>;
  readonly clock: Clock;
}

const TIMEOUT_MS = 2_000;
/** A controller that was not found is looked for again so much later. */
const FIND_AGAIN_MS = 1_000;

export const createLink = ({ find, credentials: ownCredentials, clock }: LinkParts): Link => {
  let found: Promise<Target> | undefined;
  let notBefore = -Infinity;
  let last: Extract<Reply, { kind: 'unreachable' }> | undefined;

  const forget = async (which: Promise<Target> | undefined): Promise<void> => {
    if (found === which) found = undefined;
    const target = await which?.catch(() => undefined);
    target?.agent.destroy();
  };

  const fail = async (which: Promise<Target>, why: string, error?: unknown): Promise<Reply> => {
    notBefore = clock.now() + FIND_AGAIN_MS;
    last = { kind: 'unreachable', why, error };
    await forget(which);
    return last;
  };

  const reach = (): Promise<Target> => {
    found ??= find().then(targetAt);
    return found;
  };

  return {
    say: async (message) => {
      if (last !== undefined && clock.now() < notBefore) return last;
      const reaching = reach();
      try {
        const [target, credentials] = [await reaching, await ownCredentials()];
        if (impersonates(credentials)) {
          return {
            kind: 'refused',
            why: 'this kubeconfig impersonates somebody, which the controller does not take',
          };
        }
        const ask = (): Promise<Answer> => post(target, credentials, message, clock, TIMEOUT_MS);
        const answer = await ask().catch((error: unknown) => {
          if (wasStale(error)) return ask();
          throw error;
        });
        // It stands by: the Lease names another by now, or soon.
        if (answer.status === 503) return await fail(reaching, 'it answered with 503');
        return { kind: 'answered', ...answer };
      } catch (error) {
        const why = error instanceof NoController ? error.message : 'the controller cannot be reached';
        return fail(reaching, why, error);
      }
    },
    close: () => forget(found),
  };
};

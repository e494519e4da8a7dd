import { createHash } from 'node:crypto';

import { SUBJECT_ACCESS_REVIEWS, TOKEN_REVIEWS } from '#controller/kube/index.ts';
import type { ResourceAttributes, RestClient, UserInfo } from '#controller/kube/index.ts';
import { Decisions } from './decisions.ts';

/** Who calls, as Kubernetes knows people and programs. */
export type Caller = UserInfo;

/** What a request brings to say who calls. */
export interface Presented {
  /** Subject of a client certificate that was verified against the cluster's client CA. */
  readonly subject: Readonly<Record<string, string | readonly string[] | undefined>> | undefined;
  /** The header Authorization. */
  readonly authorization: string | undefined;
}

/** A revoked token, or right, is of use for so long at most. */
const KEEP_MS = 5_000;
const MOST_KEPT = 512;
const ASK_MS = 10_000;
const ANYBODY_KNOWN = 'system:authenticated';

/** Identifies callers, and asks what they may, as Kubernetes' own components do: the API server says both. */
export class Callers {
  readonly #client: RestClient;
  readonly #tokens: Decisions<Caller | undefined>;
  readonly #rights: Decisions<boolean>;

  constructor(client: RestClient, now: () => number, keepMs = KEEP_MS) {
    this.#client = client;
    this.#tokens = new Decisions(now, keepMs, MOST_KEPT);
    this.#rights = new Decisions(now, keepMs, MOST_KEPT);
  }

  /** Who calls; undefined: nobody whom the cluster knows. Rejects with KubeError where the API server cannot say. */
  async identify({ subject, authorization }: Presented): Promise<Caller | undefined> {
    const certified = subject === undefined ? undefined : callerOfSubject(subject);
    if (certified !== undefined) return certified;
    const token = tokenIn(authorization);
    if (token === undefined) return undefined;
    // The token itself is not kept.
    return this.#tokens.decide(createHash('sha256').update(token).digest('base64'), () => this.#review(token));
  }

  async #review(token: string): Promise<Caller | undefined> {
    const review = { metadata: {}, spec: { token } };
    const { status } = await this.#client.create(TOKEN_REVIEWS, review, { timeoutMs: ASK_MS });
    if (status?.authenticated !== true || (status.user?.username ?? '') === '') return undefined;
    return status.user;
  }

  /** Whether the API server's authorizer lets the caller. Rejects with KubeError where it cannot say. */
  may(caller: Caller, resourceAttributes: ResourceAttributes): Promise<boolean> {
    return this.#rights.decide(JSON.stringify([caller, resourceAttributes]), async () => {
      const { username: user = '', uid, groups, extra } = caller;
      const review = { metadata: {}, spec: { user, uid, groups, extra, resourceAttributes } };
      const { status } = await this.#client.create(SUBJECT_ACCESS_REVIEWS, review, { timeoutMs: ASK_MS });
      return status?.allowed === true && status.denied !== true;
    });
  }
}

/** CN is the user, each O a group, as kube-apiserver reads them; undefined where it names no user. */
export function callerOfSubject({ CN, O }: NonNullable<Presented['subject']>): Caller | undefined {
  if (typeof CN !== 'string' || CN === '') return undefined;
  const groups = O === undefined ? [] : typeof O === 'string' ? [O] : O;
  return { username: CN, groups: [...groups, ...(groups.includes(ANYBODY_KNOWN) ? [] : [ANYBODY_KNOWN])] };
}

/** The bearer token of a header; undefined where it holds none. */
export function tokenIn(authorization: string | undefined): string | undefined {
  return /^Bearer +([A-Za-z0-9\-._~+/]+=*) *$/i.exec(authorization ?? '')?.[1];
}

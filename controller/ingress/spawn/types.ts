import type { Socket } from 'node:net';

import type { EphemeralDomainTemplate } from '#controller/api/index.ts';
import type { ExitReport } from '#controller/notify/index.ts';
import type { SpawnFailure } from './failure.ts';
import type { SpawnMarks } from './marks.ts';

/** What of a template and its route decides over one request's domain. */
export interface SpawnBackend {
  readonly namespace: string;
  /** As it is now: the API server resolves it anew. */
  readonly template: Pick<EphemeralDomainTemplate, 'spec'> & { readonly metadata: { readonly name: string } };
  readonly ingress: { readonly namespace: string; readonly name: string };
  /** Where the guest serves HTTP. */
  readonly port: number;
  /** Whether a guest serves one connection, which must be the request's own, or many. */
  readonly connections: 'one' | 'many';
  /** From start() until the guest is reachable, ms. */
  readonly spawnTimeoutMs: number;
  /** Of the whole request, ms. */
  readonly requestTimeoutMs: number;
  /** How long it is kept once it is finished, where the template says no ttlSecondsAfterFinished; undefined: for ever. */
  readonly keepFinishedSeconds?: number | undefined;
  /** How many finished ones of the template this replica keeps; undefined: all. */
  readonly historyLimit?: number | undefined;
}

export interface SpawnRequest {
  readonly backend: SpawnBackend;
  readonly method: string;
  readonly host: string;
  /** Without the query. */
  readonly path: string;
  readonly traceId?: string | undefined;
  /** W3C trace context, for the controller. */
  readonly traceparent?: string | undefined;
  /** Wall clock, ms. */
  readonly receivedTime: number;
  /** DomainHosts where this request failed before. */
  readonly avoidHosts: readonly string[];
  /** Aborts when the visitor leaves, at whatever time: the resource is deleted then. */
  readonly signal: AbortSignal;
}

/** A guest that can be asked now. */
export interface Reachable {
  readonly address: string;
  readonly port: number;
  /** Name of its DomainHost. */
  readonly host: string | undefined;
  /**
   * Where the guest's port was looked at: the connection, to be used. It reads nothing until somebody does, and an error on
   * it is heard by nobody else.
   */
  readonly socket: Socket | undefined;
}

export type Reaching =
  | { readonly kind: 'reachable'; readonly guest: Reachable }
  | { readonly kind: 'failed'; readonly failure: SpawnFailure };

/** Why there is no domain any more, as the API server tells. */
export type SpawnEnd =
  | { readonly kind: 'finished'; readonly phase: string; readonly reason: string; readonly message: string }
  | { readonly kind: 'deleted' }
  /** No resource was made, so there never was one. */
  | { readonly kind: 'never-created' };

/** One request's domain, from the first POST until it is gone. */
export interface Spawned {
  readonly namespace: string;
  readonly name: string;
  /** Of the resource; undefined: not known yet. */
  readonly uid: string | undefined;
  /** DomainHost that it is, or was, bound to; undefined: none that the watch told of. */
  readonly host: string | undefined;
  /** Never rejects. */
  readonly reachable: Promise<Reaching>;
  /** Terminal, or deleted, which its host may still have to be told. Never rejects. */
  readonly ended: Promise<SpawnEnd>;
  /** Deletes the resource, and with it the domain; resolves when the API server has said so, or nothing is left to try. */
  delete(): Promise<void>;
  /** What happened when, as far as it did. */
  readonly marks: SpawnMarks;
  /** What its guest said of its end, if it did. */
  readonly exit: ExitReport | undefined;
}

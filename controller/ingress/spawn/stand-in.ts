import { apiVersionOf } from '#controller/kube/index.ts';
import type { Clock, KubeLogger, KubeObject, NewObject, ResourceType } from '#controller/kube/index.ts';
import { createToken } from '#controller/notify/index.ts';
import type { Receiver } from '#controller/notify/index.ts';
import { spawnBody } from './body.ts';
import { SpawnNotices } from './notices.ts';
import { Spawn } from './spawn.ts';
import type { SpawnParts } from './spawn.ts';
import type { Spawner } from './spawner.ts';

export interface StandInParts {
  readonly clock: Clock;
  readonly logger: KubeLogger;
  readonly randomHex: (bytes: number) => string;
}

/** Guests that are no domains: one server for all, on the machine itself. */
export interface StandInGuests {
  /** Where they serve HTTP, at 127.0.0.1. */
  readonly port: number;
  /** Has one say at the notify server that it is ready, with this token. */
  readonly boot: (token: string) => void;
}

/** Does what a Spawner does, but an API server and guests stand in for the real ones: no resource and no domain is made. */
export interface StandIn extends Pick<Spawner, 'start'> {
  /** Before, and once it is closed, nobody answers at the address of those that are started. */
  open(guests: StandInGuests): void;
  close(): void;
  /** Who takes in what its guests say; undefined: this is none of them. */
  receiverOf(token: string | undefined): Receiver | undefined;
}

const NONE: StandInGuests = { port: 0, boot: () => undefined };
const ADDRESS = '127.0.0.1';
const NAME = 'stand-in';
/** A guest that does not reach the notify server is taken to be ready after so long. */
const SILENT_MS = 50;

export const createStandIn = ({ clock, logger, randomHex }: StandInParts): StandIn => {
  const hostOf = (address: string): string | undefined => (address === ADDRESS ? NAME : undefined);
  const notices = new SpawnNotices({ clock, hostOf });
  /** Also those that are over: who speaks late is no stranger. */
  const byToken = new Map<string | undefined, Spawn>();
  let guests = NONE;
  const parts: SpawnParts = {
    ...{ rest: AGREEABLE, clock, logger, hostOf, synced: () => Promise.resolve(true) },
    created: (resource) => byToken.get(resource.spec.request?.notify?.token)?.seen(resource),
  };
  return {
    start: (request) => {
      const { port, boot } = guests;
      const token = createToken();
      const body = spawnBody(request, { replica: NAME, suffix: randomHex(8), notify: { host: ADDRESS, port, token } });
      const spawn = new Spawn(parts, { ...request.backend, port }, body, request.signal);
      byToken.set(token, spawn);
      notices.expect(spawn);
      boot(token);
      clock.after(SILENT_MS, () => spawn.noticed(ADDRESS));
      return spawn;
    },
    open: (given) => {
      guests = given;
    },
    close: () => {
      guests = NONE;
      for (const spawn of byToken.values()) notices.forget(spawn);
      byToken.clear();
    },
    receiverOf: (token) => (byToken.has(token) ? notices : undefined),
  };
};

/** An API server that says that all went well, and does nothing. */
const AGREEABLE: SpawnParts['rest'] = {
  create: <T extends KubeObject>(type: ResourceType<T>, object: NewObject<T>) => {
    const { name = NAME } = object.metadata;
    const metadata = { ...object.metadata, name, uid: name, resourceVersion: '1', creationTimestamp: '' };
    const made: unknown = { ...object, apiVersion: apiVersionOf(type), kind: type.kind, metadata };
    return Promise.resolve(made as T);
  },
  get: () => Promise.reject(new Error('nothing is read from a stand-in')),
  delete: () => Promise.resolve(),
};

import { KubeError } from '../errors.ts';
import type { KubeErrorKind, Verb } from '../errors.ts';
import type { CallOptions, RestClient } from '../rest-client.ts';
import { keyOf } from '../types.ts';
import type { KubeObject, ObjectRef, ResourceType } from '../types.ts';

/** A call that reached the fake. */
export interface FakeCall {
  readonly verb: Verb;
  readonly key: string;
  readonly body?: unknown;
}

/**
 * An API server in memory, for what must be timed by an injected clock: objects with resource versions, conflicts, and
 * failures at chosen moments.
 */
export class FakeApi {
  readonly objects = new Map<string, KubeObject>();
  readonly calls: FakeCall[] = [];
  /** Asked before each call: 'hang' never answers (the caller's signal does), 'lost' does it and then resets. */
  fault: (call: FakeCall) => KubeErrorKind | 'hang' | 'lost' | undefined = () => undefined;
  #version = 100;

  get client(): RestClient {
    const unused = (): never => {
      throw new Error('not part of the fake');
    };
    return {
      server: 'https://fake:1',
      list: unused,
      watch: unused,
      getRaw: unused,
      patchStatus: unused,
      delete: unused,
      close: () => Promise.resolve(),
      get: (type, ref, options) => this.#call('get', type, ref, options, undefined, () => this.#found(type, ref)),
      create: (type, object, options) => {
        const ref = { ...object.metadata, name: object.metadata.name ?? 'generated' };
        return this.#call('create', type, ref, options, object, () => {
          if (this.objects.has(keyOf(ref))) throw fail('already-exists', 'create', type, ref);
          return this.#store(ref, object);
        });
      },
      replace: (type, object, options) =>
        this.#call('replace', type, object.metadata, options, object, () => {
          const found = this.#found(type, object.metadata);
          if (found.metadata.resourceVersion !== object.metadata.resourceVersion) {
            throw fail('conflict', 'replace', type, object.metadata);
          }
          return this.#store(object.metadata, object);
        }),
      patch: (type, ref, patch, options) =>
        this.#call('patch', type, ref, options, patch, () =>
          this.#store(ref, { ...this.#found(type, ref, 'patch'), ...(patch as object) }),
        ),
    };
  }

  count(verb: Verb): number {
    return this.calls.filter((call) => call.verb === verb).length;
  }

  /** The objects' types are the tests' business: what goes in comes out. */
  #store(ref: ObjectRef, body: object): never {
    const key = keyOf(ref);
    const known = this.objects.get(key);
    this.#version += 1;
    const metadata = { uid: `${key}-uid`, ...known?.metadata, ...ref, resourceVersion: String(this.#version) };
    const stored = structuredClone({ ...body, metadata }) as unknown as KubeObject;
    this.objects.set(key, stored);
    return structuredClone(stored) as never;
  }

  #found<T extends KubeObject>(type: ResourceType<T>, ref: ObjectRef, verb: Verb = 'get'): T {
    const found = this.objects.get(keyOf(ref));
    if (found === undefined) throw fail('not-found', verb, type, ref);
    return structuredClone(found) as T;
  }

  async #call<R>(
    verb: Verb,
    type: ResourceType<KubeObject>,
    ref: ObjectRef,
    options: CallOptions | undefined,
    body: unknown,
    run: () => R,
  ): Promise<R> {
    const call = { verb, key: keyOf(ref), body };
    this.calls.push(call);
    if (options?.signal?.aborted === true) throw fail('aborted', verb, type, ref);
    const fault = this.fault(call);
    if (fault === 'hang') {
      await new Promise((_resolve, reject) => {
        options?.signal?.addEventListener('abort', () => reject(fail('aborted', verb, type, ref)), { once: true });
      });
    }
    if (fault === 'lost') {
      run();
      throw fail('transport', verb, type, ref);
    }
    if (fault !== undefined && fault !== 'hang') throw fail(fault, verb, type, ref);
    return Promise.resolve(run());
  }
}

function fail(error: KubeErrorKind, verb: Verb, type: ResourceType<KubeObject>, ref: ObjectRef): KubeError {
  const { name, namespace } = ref;
  return new KubeError({ error, verb, kind: type.kind, ref: { name, namespace }, host: 'fake:1', message: 'injected' });
}

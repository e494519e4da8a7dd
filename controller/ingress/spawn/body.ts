import { RequestAnnotation, RequestLabel } from '#controller/api/index.ts';
import type { EphemeralDomain, EphemeralDomainSpec, RequestNotify } from '#controller/api/index.ts';
import type { NewObject } from '#controller/kube/index.ts';
import { microTime } from '#controller/lifecycle/time.ts';
import type { SpawnRequest } from './types.ts';
import { boundedText, labelValue, nameOf } from './words.ts';

/** What holds for a request's domain where its template says nothing else. */
const PRIORITY = 1_000;
const BACKOFF_LIMIT = 0;
const START_DEADLINE_SECONDS = 5;
/** How much longer than the whole request a domain may take. */
const SPARE_SECONDS = 30;

/** Most bytes of what is kept of a request, for people. */
const MAX = { method: 32, host: 260, path: 1_024, trace: 64, traceparent: 55 } as const;

export interface Maker {
  /** Valid as a label's value. */
  readonly replica: string;
  /** 16 hexadecimal digits that no other has. */
  readonly suffix: string;
  /** Where the guest is to tell of itself; undefined: no way leads from guests to this replica. */
  readonly notify: RequestNotify | undefined;
}

/** The EphemeralDomain of one request. */
export function spawnBody(request: SpawnRequest, { replica, suffix, notify }: Maker): NewObject<EphemeralDomain> {
  const { backend, method, host, path, traceId, traceparent } = request;
  const { namespace, template, ingress } = backend;
  const { labels = {}, annotations = {} } = template.spec.template.metadata ?? {};
  return {
    metadata: {
      name: nameOf(template.metadata.name, suffix),
      namespace,
      labels: {
        ...labels,
        [RequestLabel.Replica]: replica,
        [RequestLabel.Template]: labelValue(template.metadata.name),
        [RequestLabel.Ingress]: labelValue(ingress.name),
      },
      annotations: {
        ...annotations,
        [RequestAnnotation.Method]: boundedText(method, MAX.method),
        [RequestAnnotation.Host]: boundedText(host, MAX.host),
        [RequestAnnotation.Path]: boundedText(path, MAX.path),
        ...(traceId === undefined ? {} : { [RequestAnnotation.Trace]: boundedText(traceId, MAX.trace) }),
        ...(traceparent === undefined
          ? {}
          : { [RequestAnnotation.Traceparent]: boundedText(traceparent, MAX.traceparent) }),
      },
    },
    spec: {
      templateRef: { name: template.metadata.name },
      ...policyOf(request),
      request: {
        receivedTime: microTime(request.receivedTime),
        ...(notify === undefined ? {} : { notify }),
        ...(request.avoidHosts.length === 0 ? {} : { avoidHosts: [...new Set(request.avoidHosts)] }),
      },
    },
  };
}

/** A field that is set here counts before the template's, so only what that leaves open is. */
function policyOf({ backend }: SpawnRequest): Partial<EphemeralDomainSpec> {
  const { requestTimeoutMs, keepFinishedSeconds } = backend;
  const wanted: Partial<EphemeralDomainSpec> = {
    priority: PRIORITY,
    backoffLimit: BACKOFF_LIMIT,
    startDeadlineSeconds: START_DEADLINE_SECONDS,
    activeDeadlineSeconds: Math.ceil(requestTimeoutMs / 1_000) + SPARE_SECONDS,
    ...(keepFinishedSeconds === undefined ? {} : { ttlSecondsAfterFinished: keepFinishedSeconds }),
  };
  const said = new Set(Object.keys(backend.template.spec.template.spec));
  return Object.fromEntries(Object.entries(wanted).filter(([field]) => !said.has(field)));
}

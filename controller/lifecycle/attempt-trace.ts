import { RequestAnnotation } from '#controller/api/index.ts';
import type { EphemeralDomain } from '#controller/api/index.ts';
import { spanContextIn } from '#controller/observe/tracing.ts';
import type { SpanRecord, Tracer } from '#controller/observe/tracing.ts';
import { timeOf } from './time.ts';
import type { StartAnswer } from './trace.ts';

/** One request to a host to start a domain. Wall clock ms. */
export interface StartCall {
  readonly host: string;
  readonly hypervisor: string;
  readonly uuid: string;
  readonly attempt: number;
  readonly asked: number;
  readonly answered: number;
  readonly answer: StartAnswer['kind'];
}

/**
 * Tells of an attempt until its host has answered, and within it of the binding and of the call: below the span that the
 * resource's annotation names. Of a resource without one nothing is told.
 */
export function traceStart(tracer: Tracer, { metadata, status }: EphemeralDomain, call: StartCall): void {
  const parent = spanContextIn(metadata.annotations?.[RequestAnnotation.Traceparent]);
  if (parent === undefined) return;
  const { asked, answered, answer } = call;
  const [created, scheduled] = [status?.timeline?.created, status?.timeline?.scheduled].map(timeOf);
  const failure = answer === 'started' ? undefined : answer;
  const begun = Math.min(created ?? asked, asked);
  const attempt = tracer.record({
    ...{ name: 'EphemeralDomain attempt', kind: 'internal', parent, start: begun, end: answered, failure },
    attributes: attributesOf(metadata, call),
  });
  if (attempt === undefined) return;
  const inner = (name: string, start: number, end: number): SpanRecord => ({
    ...{ name, kind: 'internal', parent: attempt, start, end, attributes: {} },
  });
  if (scheduled !== undefined) {
    tracer.record(inner('schedule', begun, scheduled));
    tracer.record(inner('bind', scheduled, asked));
  }
  tracer.record({
    ...inner('libvirt start', asked, answered),
    kind: 'client',
    failure,
    attributes: { 'rpc.system': 'libvirt', 'server.address': call.host, 'hatchery.hypervisor': call.hypervisor },
  });
}

function attributesOf(metadata: EphemeralDomain['metadata'], call: StartCall): SpanRecord['attributes'] {
  return {
    'k8s.namespace.name': metadata.namespace,
    'hatchery.domain': metadata.name,
    'hatchery.uid': metadata.uid,
    'hatchery.attempt': call.attempt,
    'hatchery.host': call.host,
    'hatchery.libvirt.uuid': call.uuid,
  };
}

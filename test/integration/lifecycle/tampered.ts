import { LibvirtError } from '#controller/libvirt/index.ts';
import type { DomainRef, Hypervisor } from '#controller/libvirt/index.ts';

/** What a host does not do as it should, to be changed while a controller runs. */
export interface Tampering {
  /** listens: its guests shut down when they are asked; deaf: they do not; refuses: the host says that it cannot ask. */
  shutdown: 'listens' | 'deaf' | 'refuses';
  /** Whether images can be looked up: until they can nothing is started, and nothing was asked for. */
  images: boolean;
  /** UUIDs of the domains that were asked to shut down, in order. */
  readonly asked: string[];
}

export function tampering(): Tampering {
  return { shutdown: 'listens', images: true, asked: [] };
}

/** A host that is tampered with. */
export function tamperedWith(tamper: Tampering): (host: Hypervisor) => Hypervisor {
  return (host) =>
    withCalls(host, {
      shutdown: shutdownOf(host, tamper),
      volLookupByName: (...asked) => (tamper.images ? host.volLookupByName(...asked) : Promise.reject(refusal(host))),
    });
}

/** A host of which some calls are others. */
export function withCalls(host: Hypervisor, calls: Partial<Hypervisor>): Hypervisor {
  return new Proxy(host, {
    get: (target, property) => {
      if (Object.hasOwn(calls, property)) return Reflect.get(calls, property) as unknown;
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

function shutdownOf(host: Hypervisor, tamper: Tampering): Hypervisor['shutdown'] {
  return (domain: DomainRef, ...rest) => {
    tamper.asked.push(domain.uuid);
    switch (tamper.shutdown) {
      case 'listens':
        return host.shutdown(domain, ...rest);
      case 'deaf':
        return Promise.resolve();
      case 'refuses':
        return Promise.reject(refusal(host));
    }
  };
}

function refusal({ uri }: Hypervisor): LibvirtError {
  return new LibvirtError('told to refuse', { kind: 'internal', uri, procedure: 'TEST', mayHaveRun: false, code: 1 });
}

import type { HostIdentity } from '../decide.ts';
import type { End, Found, StartAnswer } from '../trace.ts';

/** xen: transient and preserved; lxc: defined, remembers through a restart only that it is defined; test: forgets all. */
export type ModelKind = 'xen' | 'lxc' | 'test';

type State =
  | { readonly kind: 'none' }
  | { readonly kind: 'creating' }
  | { readonly kind: 'running' }
  | { readonly kind: 'ended'; readonly end: End }
  | { readonly kind: 'defined' }
  | { readonly kind: 'start-failed' }
  /** Xen: paused, holds the name, unknown to libvirt. */
  | { readonly kind: 'orphan' };

/** A request on its way; the daemon may act on it even when nobody waits for the answer any more. */
export type Request = 'create' | 'define' | 'start' | 'shutdown' | 'destroy' | 'acknowledge';

/** One host with at most one domain, as facts/xen-rig.md and lxc-host.md measured it. Counts how often the domain ran. */
export class HostModel {
  readonly kind: ModelKind;
  state: State = { kind: 'none' };
  boot = 'boot-1';
  daemon = 'daemon-1';
  runs = 0;
  ends: End[] = [];
  /** Whether its domain ends when it is asked to. */
  deaf = false;
  /** Requests that were sent and not acted on. */
  underway: Request[] = [];
  #epoch = 1;

  constructor(kind: ModelKind) {
    this.kind = kind;
  }

  identity(): HostIdentity {
    return {
      boot: this.boot,
      daemon: this.daemon,
      outlivesDaemon: this.kind === 'xen',
    };
  }

  look(): Found {
    switch (this.state.kind) {
      case 'none':
      case 'orphan':
        return { kind: 'absent' };
      case 'creating':
        return { kind: 'creating' };
      case 'running':
        return { kind: 'active', id: 7 };
      case 'ended':
        return { kind: 'ended', end: this.state.end };
      case 'defined':
        return { kind: 'never-run' };
      case 'start-failed':
        return { kind: 'start-failed' };
    }
  }

  /** The daemon acts on a request. */
  act(request: Request): StartAnswer | 'done' {
    switch (request) {
      case 'create':
        return this.#create();
      case 'define':
        if (this.state.kind === 'none') this.state = { kind: 'defined' };
        return 'done';
      case 'start':
        return this.#start();
      case 'shutdown':
        if (!this.deaf) this.end('power-off');
        return 'done';
      case 'destroy':
        this.destroyByHand();
        return 'done';
      case 'acknowledge':
        if (this.state.kind !== 'orphan') this.state = { kind: 'none' };
        return 'done';
    }
  }

  /** A create that is under way (Xen) comes to its end. */
  unpause(): void {
    if (this.state.kind === 'creating') this.#run();
  }

  end(end: End): void {
    if (this.state.kind !== 'running') return;
    this.ends.push(end);
    this.state = { kind: 'ended', end };
  }

  /** By somebody in dom0, or by the controller: Xen keeps no trace of it. */
  destroyByHand(): void {
    if (this.state.kind !== 'running') return;
    this.ends.push('destroyed');
    this.state = this.kind === 'xen' ? { kind: 'none' } : { kind: 'ended', end: 'destroyed' };
  }

  /** The daemon is killed and started again; the domain may end meanwhile. */
  restartDaemon(endsMeanwhile: boolean): void {
    this.underway = [];
    this.#epoch += 1;
    this.daemon = `daemon-${this.#epoch}`;
    if (this.kind === 'test') {
      this.reboot();
      return;
    }
    if (this.kind === 'xen') {
      if (this.state.kind === 'creating') this.state = { kind: 'orphan' };
      if (endsMeanwhile) this.end('power-off');
      return;
    }
    if (this.state.kind === 'ended') this.state = { kind: 'defined' };
    if (endsMeanwhile && this.state.kind === 'running') {
      this.end('power-off');
      this.state = { kind: 'start-failed' };
    }
  }

  reboot(): void {
    this.underway = [];
    this.#epoch += 1;
    this.boot = `boot-${this.#epoch}`;
    this.daemon = `daemon-${this.#epoch}`;
    this.state = { kind: 'none' };
  }

  #create(): StartAnswer {
    if (this.state.kind === 'orphan') return { kind: 'refused', why: 'libxenlight failed to create new domain' };
    if (this.state.kind !== 'none') return { kind: 'exists' };
    this.state = { kind: 'creating' };
    return { kind: 'started', id: 7 };
  }

  #start(): StartAnswer {
    if (this.state.kind === 'running') return { kind: 'exists' };
    if (this.state.kind === 'none') return { kind: 'exists' };
    this.#run();
    return { kind: 'started', id: 7 };
  }

  #run(): void {
    this.runs += 1;
    this.state = { kind: 'running' };
  }
}

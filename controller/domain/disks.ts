/** A disk of a domain; its place in the list says where the guest finds it. */
export type DiskPlan =
  /** An image of the host, read-only. */
  | { readonly kind: 'image'; readonly name: string; readonly volume: string }
  /** Made for the attempt and deleted with it. */
  | {
      readonly kind: 'scratch';
      readonly name: string;
      readonly volume: string;
      /** As its resource says it: 10Gi. */
      readonly size: string;
      readonly bytes: number;
    };

export type ScratchPlan = Extract<DiskPlan, { kind: 'scratch' }>;

/** What a guest on Xen calls its disks, by their place in the list: xvda, xvdb, … */
export const diskTarget = (index: number): string => {
  if (!Number.isInteger(index) || index < 0 || index >= LETTERS.length) throw new RangeError(`no disk ${index}`);
  return `xvd${LETTERS.charAt(index)}`;
};

const LETTERS = 'abcdefghijklmnopqrstuvwxyz';

/** Whose a scratch volume is. */
export interface ScratchOwner {
  /** UID of the namespace kube-system: clusters may share a host, and none may sweep another's disks. */
  readonly cluster: string;
  /** UUID of the attempt's domain. */
  readonly uuid: string;
}

/** What all names of scratch volumes begin with; the CRD refuses it in the name of an image. */
export const SCRATCH_PREFIX = 'hatchery-scratch-';

/** Name of a scratch volume, from which alone a new owner knows whose it is. `index` is its disk's place in the list. */
export const scratchVolume = ({ cluster, uuid }: ScratchOwner, index: number): string =>
  `${SCRATCH_PREFIX}${cluster}-${uuid}-${index}`;

const UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
const NAME = new RegExp(`^${SCRATCH_PREFIX}(.+)-(${UUID})-([0-9]|[1-9][0-9])$`);

/** Whose the volume of this name is; undefined where it is no scratch volume. */
export const scratchOwner = (name: string): ScratchOwner | undefined => {
  const [, cluster, uuid] = NAME.exec(name) ?? [];
  return cluster === undefined || uuid === undefined ? undefined : { cluster, uuid };
};

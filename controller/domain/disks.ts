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
    }
  /** The values of parameters from Secrets, read-only; made for the attempt and deleted with it. Always the last. */
  | { readonly kind: 'secret'; readonly volume: string };

export type ScratchPlan = Extract<DiskPlan, { kind: 'scratch' }>;
export type SecretPlan = Extract<DiskPlan, { kind: 'secret' }>;

/** What a guest on Xen calls its disks, by their place in the list: xvda, xvdb, … */
export const diskTarget = (index: number): string => {
  if (!Number.isInteger(index) || index < 0 || index >= LETTERS.length) throw new RangeError(`no disk ${index}`);
  return `xvd${LETTERS.charAt(index)}`;
};

const LETTERS = 'abcdefghijklmnopqrstuvwxyz';

/** Whose a volume is that was made for an attempt. */
export interface VolumeOwner {
  /** UID of the namespace kube-system: clusters may share a host, and none may sweep another's disks. */
  readonly cluster: string;
  /** UUID of the attempt's domain. */
  readonly uuid: string;
}

/** What the names of volumes made for attempts begin with; the CRD refuses both in the name of an image. */
export const SCRATCH_PREFIX = 'hatchery-scratch-';
export const SECRET_PREFIX = 'hatchery-secret-';

/** Name of a scratch volume, from which alone a new owner knows whose it is. `index` is its disk's place in the list. */
export const scratchVolume = ({ cluster, uuid }: VolumeOwner, index: number): string =>
  `${SCRATCH_PREFIX}${cluster}-${uuid}-${index}`;

/** Name of the volume that holds an attempt's secret values. */
export const secretVolume = ({ cluster, uuid }: VolumeOwner): string => `${SECRET_PREFIX}${cluster}-${uuid}`;

const UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
const SCRATCH_NAME = new RegExp(`^${SCRATCH_PREFIX}(.+)-(${UUID})-(?:[0-9]|[1-9][0-9])$`);
const SECRET_NAME = new RegExp(`^${SECRET_PREFIX}(.+)-(${UUID})$`);

/** Whose the volume of this name is; undefined where it was not made for an attempt. */
export const volumeOwner = (name: string): VolumeOwner | undefined => {
  const [, cluster, uuid] = SCRATCH_NAME.exec(name) ?? SECRET_NAME.exec(name) ?? [];
  return cluster === undefined || uuid === undefined ? undefined : { cluster, uuid };
};

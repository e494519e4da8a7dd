import { glob, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** What no box needs; a third of what the packages hold, without the kernels' modules. */
const UNUSED: readonly string[] = [
  'boot',
  'etc/systemd',
  'usr/include',
  'usr/lib/firmware',
  'usr/lib/grub*',
  'usr/lib/initramfs-tools',
  'usr/lib/modules',
  'usr/lib/python3*',
  'usr/lib/systemd',
  'usr/lib/udev',
  'usr/lib/x86_64-linux-gnu/{perl,perl-base,gconv,systemd}',
  'usr/lib/xen-*/boot/xen-shim',
  'usr/{bin,sbin}/{perl,apt,dpkg,systemd,python}*',
  'usr/share/{augeas,bash-completion,bug,common-licenses,doc,info,initramfs-tools,lintian,locale,man,mime,perl*}',
  'usr/share/{grub,python3,zoneinfo,zsh}',
  'var/cache',
  'var/lib/{apt,dpkg}',
];

/** Removes it from an unpacked root file system. */
export async function trimRoot(root: string): Promise<void> {
  for (const pattern of UNUSED) {
    for await (const path of glob(pattern, { cwd: root })) {
      await rm(join(root, path), { recursive: true, force: true });
    }
  }
}

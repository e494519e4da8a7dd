import { GUEST_TAP, MANAGEMENT_TAP } from './plan.ts';
import type { XenPlan } from './plan.ts';
import type { XenImage } from './image.ts';

/** Memory of a box and dom0's part of it; what remains is Xen's own (about 100 MiB) and the guests'. */
const BOX_MEMORY_MIB = 2048;
const DOM0_MEMORY_MIB = 512;

/** Words for the hypervisor. Mitigations cost time and protect nobody in a test bed. */
const XEN_WORDS: readonly string[] = [
  `dom0_mem=${DOM0_MEMORY_MIB}M,max:${DOM0_MEMORY_MIB}M`,
  'dom0_max_vcpus=2',
  'com1=115200,8n1',
  'console=com1',
  'loglvl=warning',
  'guest_loglvl=warning',
  'noreboot',
  'spec-ctrl=no',
  'xpti=no',
  'pv-l1tf=no',
  'smep=0',
  'smap=0',
  'ucode=no-scan',
  'watchdog=0',
  'bootscrub=0',
  'sched=credit',
];

const DOM0_WORDS: readonly string[] = [
  'console=hvc0',
  'quiet',
  'loglevel=4',
  'mitigations=off',
  'nokaslr',
  'audit=0',
  'apparmor=0',
  'selinux=0',
  'nowatchdog',
  'random.trust_cpu=on',
  'panic=-1',
];

/**
 * QEMU's arguments for a box. Its processor is the plainest that Xen runs on with all that it needs: with `max` dom0's
 * daemons die at random under emulation. Writes to the root disk go to a temporary file, gone with QEMU.
 */
export function qemuArguments(plan: XenPlan, image: XenImage, seed: string): readonly string[] {
  return [
    ...['-name', plan.name, '-no-user-config', '-nodefaults', '-display', 'none', '-no-reboot'],
    ...['-machine', 'pc,usb=off', '-accel', 'tcg,thread=multi,tb-size=512', '-cpu', 'qemu64,+svm,+npt,+rdrand'],
    ...['-smp', '2', '-m', `${BOX_MEMORY_MIB}`],
    ...['-kernel', image.hypervisor, '-append', XEN_WORDS.join(' ')],
    // Multiboot modules: in this argument a comma separates two, so one within has to be doubled.
    ...['-initrd', `${image.kernel} ${DOM0_WORDS.join(' ').replaceAll(',', ',,')},${image.initramfs}`],
    ...drive('root', `${image.disk},format=qcow2,snapshot=on,cache=unsafe`),
    ...drive('seed', `${seed},format=raw,readonly=on`),
    ...networkCard(MANAGEMENT_TAP, '52:54:00:c6:12:01'),
    ...networkCard(GUEST_TAP, '52:54:00:c6:12:02'),
    ...['-device', 'virtio-serial-pci', '-device', 'virtserialport,chardev=control,name=hatchery.control'],
    ...['-chardev', `socket,id=control,path=${plan.controlSocket},server=on,wait=off`],
    ...['-chardev', `file,id=console,path=${plan.consoleLog}`, '-serial', 'chardev:console'],
  ];
}

function drive(id: string, file: string): readonly string[] {
  return ['-drive', `if=none,id=${id},file=${file}`, '-device', `virtio-blk-pci,drive=${id}`];
}

function networkCard(tap: string, mac: string): readonly string[] {
  return [
    ...['-netdev', `tap,id=${tap},ifname=${tap},script=no,downscript=no`],
    ...['-device', `virtio-net-pci,netdev=${tap},mac=${mac},romfile=`],
  ];
}

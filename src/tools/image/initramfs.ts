import { type CpioEntry, writeCpio } from './cpio.ts';
import { type KernelModule, moduleIndexes } from './modules.ts';

/** Modules for the devices that a machine can have: loaded at every boot. */
export const DEVICE_MODULES = ['virtio_mmio', 'virtio_blk', 'virtio_net', 'virtio_rng'] as const;

/** Modules for devices that few machines have: loaded when there is one. */
export const RARE_DEVICE_MODULES = ['virtio_scsi', 'sd_mod', 'sr_mod'] as const;

/** Modules for the disks that people bring along: loaded when one is mounted. */
export const FILE_SYSTEM_MODULES = ['ext4', 'squashfs', 'overlay', 'isofs'] as const;

const DIRECTORIES = [
  'bin',
  'dev',
  'etc',
  'etc/modprobe.d',
  'etc/udhcpc',
  'lib',
  'lib/modules',
  'mnt',
  'proc',
  'root',
  'sbin',
  'sys',
  'tmp',
];

/** What an initramfs is made of. */
export interface InitramfsInput {
  /** Release of the kernel as `uname -r` says it. */
  readonly kernelRelease: string;
  /** The static busybox binary. */
  readonly busybox: Uint8Array;
  readonly modules: readonly KernelModule[];
  /** The first program, a shell script. */
  readonly init: Uint8Array;
  /** What udhcpc runs when it has an address, a shell script. */
  readonly dhcp: Uint8Array;
}

/** What init mounts first. */
const FSTAB = [
  'proc /proc proc defaults 0 0',
  'sysfs /sys sysfs defaults 0 0',
  'devtmpfs /dev devtmpfs defaults 0 0',
  'tmpfs /tmp tmpfs defaults 0 0',
];

/**
 * An initramfs with busybox, modules and an init script: a cpio archive, not compressed, because unpacking costs the
 * guest more time than the host's memory is worth.
 */
export function buildInitramfs(input: InitramfsInput): Uint8Array {
  const modulesDirectory = `lib/modules/${input.kernelRelease}`;
  const { dep, alias, softdep } = moduleIndexes(input.modules);
  const text = (path: string, contents: string): CpioEntry => ({ type: 'file', path, bytes: Buffer.from(contents) });
  return writeCpio([
    ...DIRECTORIES.map((path): CpioEntry => ({ type: 'directory', path })),
    // The kernel opens it for init's output before devtmpfs is mounted.
    { type: 'device', path: 'dev/console', major: 5, minor: 1 },
    { type: 'file', path: 'bin/busybox', bytes: input.busybox, mode: 0o755 },
    { type: 'symlink', path: 'bin/sh', target: 'busybox' },
    // The kernel itself loads modules by calling /sbin/modprobe.
    { type: 'symlink', path: 'sbin/modprobe', target: '../bin/busybox' },
    { type: 'file', path: 'init', bytes: input.init, mode: 0o755 },
    { type: 'file', path: 'etc/udhcpc/default.script', bytes: input.dhcp, mode: 0o755 },
    text('etc/passwd', 'root::0:0:root:/root:/bin/sh\n'),
    text('etc/group', 'root:x:0:\n'),
    text('etc/fstab', FSTAB.map((line) => `${line}\n`).join('')),
    // What "mount" without a type tries: asking for a type is what makes the kernel load its module.
    text('etc/filesystems', 'ext4\nsquashfs\niso9660\n'),
    // Whoever has loaded the driver then finds its disks there.
    text('etc/modprobe.d/scsi.conf', 'options scsi_mod scan=sync\n'),
    { type: 'directory', path: modulesDirectory },
    text(`${modulesDirectory}/modules.dep`, dep),
    text(`${modulesDirectory}/modules.alias`, alias),
    text(`${modulesDirectory}/modules.softdep`, softdep),
    ...input.modules.map((m): CpioEntry => ({ type: 'file', path: `${modulesDirectory}/${m.file}`, bytes: m.bytes })),
  ]);
}

/** Commands of virsh that ours has not, by why. */
export const onlyReal: Readonly<Record<string, readonly string[]>> = {
  "libvirt's own drivers for hosts of today cannot do it either": ['iface-bridge', 'iface-unbridge'],
  'Node.js can hand open files to no other process': ['dom-fd-associate', 'lxc-enter-namespace'],
  'no machine of the architecture has such memory': ['update-memory-device'],
};

/** Commands of ours that virsh has not: virt-install's, captures of interfaces, and what writes completion scripts. */
export const onlyOurs: readonly string[] = ['completion', 'install', 'net-capture'];

const FILES = 'open files cannot be handed to a machine of ours';

/** Commands whose options are others than in virsh, and why. */
export const helpDifferences: Readonly<Record<string, string>> = {
  'attach-interface': 'an interface of type user has no source',
  create: FILES,
  'qemu-monitor-command': FILES,
  start: FILES,
};

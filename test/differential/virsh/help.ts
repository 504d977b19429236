/** Commands of virsh that ours has not, by why. */
export const onlyReal: Readonly<Record<string, readonly string[]>> = {
  'there are no checkpoints and no backups of running domains': [
    'backup-begin',
    'backup-dumpxml',
    'checkpoint-create',
    'checkpoint-create-as',
    'checkpoint-delete',
    'checkpoint-dumpxml',
    'checkpoint-edit',
    'checkpoint-info',
    'checkpoint-list',
    'checkpoint-parent',
  ],
  'the network interfaces of the host are shown, not configured': [
    'iface-begin',
    'iface-bridge',
    'iface-commit',
    'iface-edit',
    'iface-rollback',
    'iface-unbridge',
  ],
  'devices of the host are shown, not made': [
    'nodedev-autostart',
    'nodedev-create',
    'nodedev-define',
    'nodedev-destroy',
    'nodedev-event',
    'nodedev-start',
    'nodedev-undefine',
  ],
  'networks have no ports that a client could see': ['net-port-create', 'net-port-delete', 'net-port-dumpxml'],
  'network filters are not kept': [
    'nwfilter-binding-create',
    'nwfilter-binding-delete',
    'nwfilter-binding-dumpxml',
    'nwfilter-binding-list',
    'nwfilter-dumpxml',
    'nwfilter-edit',
    'nwfilter-undefine',
  ],
  'secrets are not kept': ['secret-dumpxml', 'secret-event', 'secret-get-value', 'secret-set-value', 'secret-undefine'],
  'they are for QEMU, Linux containers or the hardware of other processors': [
    'dom-fd-associate',
    'domsetlaunchsecstate',
    'lxc-enter-namespace',
    'qemu-attach',
    'qemu-monitor-event',
  ],
  'they come with what they are about: copies of disks, I/O threads, memory devices, saved states, migration': [
    'blockcopy',
    'iothreadset',
    'managedsave-edit',
    'migrate-compcache',
    'update-memory-device',
  ],
};

/** Commands of ours that virsh has not: virt-install's, captures of interfaces, and what writes completion scripts. */
export const onlyOurs: readonly string[] = ['completion', 'install', 'net-capture'];

const FILES = 'open files cannot be handed to a machine of ours';

/** Commands whose options are others than in virsh, and why. */
export const helpDifferences: Readonly<Record<string, string>> = {
  'attach-interface': 'an interface of type user has no source',
  create: FILES,
  migrate: 'the options of migration come with migration',
  'qemu-monitor-command': FILES,
  start: FILES,
};

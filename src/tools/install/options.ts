import { flag, type OptionDef, text } from '../cli/virsh/definition.ts';

const named = { named: true } as const;
const repeated = { named: true, repeat: true } as const;
const DISK = 'path=FILE[,size=GiB][,format=raw|qcow2][,readonly=yes]…, vol=POOL/VOLUME, [pool=POOL,]size=GiB, or none';

/** The options of `install`: virt-install's. */
export const installOptions: readonly OptionDef[] = [
  text('name', 'name of the domain; default vm1, or the next that is free', { ...named, short: 'n' }),
  text('memory', 'RAM in MiB, or with a unit; also memory=,currentMemory=,maxmemory= (default: 512)', named),
  text('ram', 'the same, as it was called once', named),
  text('vcpus', 'number of vCPUs; also maxvcpus=, cpuset=, sockets=, cores=, threads= (default: 1)', named),
  text('cpuset', 'host CPUs that vCPUs may run on', named),
  text('disk', DISK, { ...repeated, complete: 'file' }),
  text('network', 'network=NAME, bridge=NAME, user, each with mac=, model=; or none', { ...repeated, short: 'w' }),
  text('cdrom', 'image of an installation CD, to boot from first', { ...named, complete: 'file' }),
  text('location', 'DIRECTORY,kernel=FILE,initrd=FILE of an installer, to boot first', {
    ...named,
    short: 'l',
    complete: 'directory',
  }),
  text('extra-args', 'kernel command line of that installer', { ...named, short: 'x' }),
  flag('pxe', 'boot from the network first, with a --boot loader= that can'),
  flag('import', 'there is nothing to install: boot from the first disk'),
  text(
    'boot',
    'kernel=FILE,initrd=FILE,kernel_args=TEXT,dtb=FILE,loader=FILE,nvram=FILE, or devices in their order: hd,cdrom,network',
    named,
  ),
  text('serial', 'serial port: pty, file,path=FILE or none', repeated),
  text('console', 'console: pty or none', repeated),
  text('rng', 'where random numbers come from: builtin, a device, or none (default: builtin)', named),
  text('graphics', 'none: machines here have no screen', { ...named, complete: ['none'] }),
  text('video', 'none', { ...named, complete: ['none'] }),
  text('sound', 'none', { ...named, complete: ['none'] }),
  text('osinfo', 'operating system, for compatibility: makes no difference', named),
  text('os-variant', 'the same', named),
  text('virt-type', 'kind of virtualization (default: qemu)', { ...named, complete: ['qemu'] }),
  { ...flag('hvm', 'a fully virtualized guest, as all are'), short: 'v' },
  text('arch', 'architecture (default: riscv64)', { ...named, complete: ['riscv64'] }),
  text('machine', 'machine (default: virt)', { ...named, complete: ['virt'] }),
  text('uuid', 'UUID of the domain', named),
  text('metadata', 'name=,uuid=,title=,description=', named),
  text('description', 'description of the domain', named),
  text('events', 'on_poweroff=,on_reboot=,on_crash=', named),
  flag('autostart', 'start the domain with the host from now on'),
  flag('transient', 'keep no definition'),
  flag('noreboot', 'leave the domain shut off after its installation'),
  text(
    'wait',
    'minutes to wait for the end of an installation, or of the domain; -1 or no number: as long as it takes',
    {
      ...named,
      optional: true,
    },
  ),
  flag('noautoconsole', 'do not attach to the console'),
  text('autoconsole', 'text or none', { ...named, complete: ['text', 'none'] }),
  flag('destroy-on-exit', 'destroy the domain when its console is left'),
  text('check', 'path_in_use=off, mac_in_use=off, disk_size=off or all=off: not to look at that before', repeated),
  text('print-xml', 'print the domain XML and do nothing; 1, 2 or all: that of a step of an installation', {
    ...named,
    optional: true,
    complete: ['1', '2', 'all'],
  }),
  flag('dry-run', 'check all, do nothing'),
  text('connect', 'connection URI', named),
];

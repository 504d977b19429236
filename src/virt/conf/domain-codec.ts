/** `<domain>`: every element of it that has a field, in the order in which libvirt writes them. */
import { attr, attrOr, type Codec, child, element, flag, leaf, list, size, text, textChild } from './codec.ts';
import { devices, noDevices } from './devices.ts';
import type {
  ClockDef,
  CpuDef,
  CpuTuneDef,
  DomainDef,
  FeaturesDef,
  LifecycleAction,
  LoaderDef,
  OsDef,
  PmDef,
  VcpuDef,
  VcpuPinDef,
} from './domain-def.ts';
import { metadataField, nodevisorField } from './metadata.ts';
import { int, nonEmpty, oneOf, onOff, str, uint, uuid, yesNo } from './scalar.ts';

const vcpu: Codec<VcpuDef> = element<VcpuDef>({
  placement: attr('placement', oneOf('static', 'auto')),
  cpuset: attr('cpuset', nonEmpty),
  current: attr('current', int(1, 0xffff)),
  max: text(int(1, 0xffff), 'required'),
});

const cputune: Codec<CpuTuneDef> = element<CpuTuneDef>({
  shares: textChild('shares', int(2, 262144)),
  vcpupins: list(
    'vcpupin',
    element<VcpuPinDef>({ vcpu: attr('vcpu', uint, 'required'), cpuset: attr('cpuset', nonEmpty, 'required') }),
  ),
  emulatorpin: child(
    'emulatorpin',
    element<NonNullable<CpuTuneDef['emulatorpin']>>({ cpuset: attr('cpuset', nonEmpty, 'required') }),
  ),
});

const loader: Codec<LoaderDef> = element<LoaderDef>({
  readonly: attr('readonly', yesNo),
  secure: attr('secure', yesNo),
  type: attr('type', oneOf('rom', 'pflash')),
  format: attr('format', str),
  path: text(str),
});

const os: Codec<OsDef> = element<OsDef>({
  firmware: attr('firmware', str),
  type: child(
    'type',
    element<OsDef['type']>({
      arch: attr('arch', nonEmpty),
      machine: attr('machine', nonEmpty),
      value: text(nonEmpty, 'required'),
    }),
    'required',
  ),
  loader: child('loader', loader),
  nvram: child(
    'nvram',
    element<NonNullable<OsDef['nvram']>>({ template: attr('template', nonEmpty), path: text(str) }),
  ),
  kernel: textChild('kernel', str),
  initrd: textChild('initrd', str),
  cmdline: textChild('cmdline', str),
  dtb: textChild('dtb', str),
  boot: list(
    'boot',
    element<OsDef['boot'][number]>({ dev: attr('dev', oneOf('hd', 'cdrom', 'network', 'fd'), 'required') }),
  ),
  bootmenu: child(
    'bootmenu',
    element<NonNullable<OsDef['bootmenu']>>({
      enable: attr('enable', yesNo, 'required'),
      timeout: attr('timeout', int(0, 65535)),
    }),
  ),
});

const features: Codec<FeaturesDef> = element<FeaturesDef>({
  acpi: flag('acpi'),
  apic: flag('apic'),
  pae: flag('pae'),
});

const count = int(1, 0xffff);

const cpu: Codec<CpuDef> = element<CpuDef>({
  mode: attr('mode', oneOf('custom', 'host-model', 'host-passthrough', 'maximum')),
  match: attr('match', oneOf('minimum', 'exact', 'strict')),
  check: attr('check', oneOf('none', 'partial', 'full')),
  migratable: attr('migratable', onOff),
  model: child(
    'model',
    element<NonNullable<CpuDef['model']>>({
      fallback: attr('fallback', oneOf('allow', 'forbid')),
      name: text(nonEmpty, 'required'),
    }),
  ),
  topology: child(
    'topology',
    element<NonNullable<CpuDef['topology']>>({
      sockets: attr('sockets', count, 'required'),
      dies: attr('dies', count),
      clusters: attr('clusters', count),
      cores: attr('cores', count, 'required'),
      threads: attr('threads', count, 'required'),
    }),
  ),
});

const clock: Codec<ClockDef> = element<ClockDef>({
  offset: attrOr('offset', oneOf('utc', 'localtime', 'timezone', 'variable', 'absolute'), 'utc'),
  timezone: attr('timezone', nonEmpty),
  adjustment: attr('adjustment', nonEmpty),
  basis: attr('basis', nonEmpty),
  start: attr('start', nonEmpty),
  timers: list(
    'timer',
    element<ClockDef['timers'][number]>({
      name: attr('name', nonEmpty, 'required'),
      tickpolicy: attr('tickpolicy', nonEmpty),
      present: attr('present', yesNo),
    }),
  ),
});

const pmSwitch = element<NonNullable<PmDef['suspendToMem']>>({ enabled: attr('enabled', yesNo, 'required') });

const pm: Codec<PmDef> = element<PmDef>({
  suspendToMem: child('suspend-to-mem', pmSwitch),
  suspendToDisk: child('suspend-to-disk', pmSwitch),
});

const actions = ['destroy', 'restart', 'preserve', 'rename-restart'] as const satisfies LifecycleAction[];

const devicesField = child('devices', devices);

/** The whole of it. */
export const domain: Codec<DomainDef> = element<DomainDef>({
  type: attr('type', nonEmpty, 'required'),
  name: textChild('name', str, 'required'),
  uuid: textChild('uuid', uuid),
  title: textChild('title', str),
  description: textChild('description', str),
  metadata: metadataField,
  nodevisor: nodevisorField,
  memory: child('memory', size('KiB'), 'required'),
  currentMemory: child('currentMemory', size('KiB')),
  vcpu: child('vcpu', vcpu),
  cputune: child('cputune', cputune),
  os: child('os', os, 'required'),
  features: child('features', features),
  cpu: child('cpu', cpu),
  clock: child('clock', clock),
  on_poweroff: child('on_poweroff', leaf(oneOf(...actions))),
  on_reboot: child('on_reboot', leaf(oneOf(...actions))),
  on_crash: child('on_crash', leaf(oneOf(...actions, 'coredump-destroy', 'coredump-restart'))),
  pm: child('pm', pm),
  devices: { ...devicesField, read: (from) => devicesField.read(from) ?? noDevices() },
});

/** What a definition holds that the guest gets nothing of, in sentences: kept, started, but not passed over in silence. */
import type { DeviceDefs } from './device-def.ts';
import { type DeviceKind, deviceTypes } from './devices.ts';
import { isPluggedIn } from './disk-plan.ts';
import type { FilledDomainDef } from './domain-def.ts';
import { extensibles } from './domain-refuse.ts';
import { namespaceOf } from './xml.ts';

/** One sentence for every part of the definition that has no effect on the machine. */
export function listNotices(def: FilledDomainDef, emulator?: string): string[] {
  const other = def.devices.emulator;
  return [
    ...(emulator === undefined || other === emulator ? [] : [`emulator '${other}' is not what runs the machine`]),
    ...deviceNotices(def.devices),
    ...settingNotices(def),
    ...bootNotices(def),
    ...extraNotices(def),
  ];
}

function bootNotices({ os, devices }: FilledDomainDef): string[] {
  const isOrdered = [...devices.disks, ...devices.interfaces].some(({ boot }) => boot !== undefined);
  const others = os.boot.some(({ dev }) => dev !== 'hd');
  return isOrdered || others ? ['boot order: the firmware looks for a system by itself'] : [];
}

/** Kinds that stay in the definition while the machine has no such device. */
const missing: readonly DeviceKind[] = [
  'controllers',
  'channels',
  'inputs',
  'graphics',
  'sounds',
  'audios',
  'videos',
  'redirdevs',
];

function deviceNotices(devices: DeviceDefs): string[] {
  const notices: string[] = [];
  for (const disk of devices.disks) {
    const { dev } = disk.target;
    if (!isPluggedIn(disk)) notices.push(`${disk.device} '${dev}': drives without a medium are not plugged in`);
  }
  for (const kind of missing) {
    const { name } = deviceTypes[kind];
    const count = kind === 'controllers' ? absentControllers(devices) : devices[kind].length;
    if (count > 0) notices.push(`${name}${count > 1 ? ` (${count} of them)` : ''}: the machine has no such device`);
  }
  if (devices.memballoons.some(({ model }) => model !== 'none')) {
    notices.push('memballoon: the machine has no such device');
  }
  if (devices.rngs.some(({ backend }) => backend.path !== undefined)) {
    notices.push("rng: the entropy is of the host's generator, whatever file is named");
  }
  if (devices.rngs.some(({ rate }) => rate !== undefined)) notices.push('rng: the rate is not limited');
  if ([...devices.disks, ...devices.rngs].some(({ address }) => address?.type === 'pci')) {
    notices.push('PCI addresses have no effect: the devices are on the virtio-mmio bus');
  }
  return notices;
}

/** Number of controllers that the machine does not have: it has those that disks are on. */
function absentControllers({ controllers, disks }: DeviceDefs): number {
  const used = new Set(
    disks.flatMap(({ target, address }) => (target.bus === 'scsi' ? [address?.controller ?? '0'] : [])),
  );
  return controllers.filter(({ type, index = 0 }) => type !== 'scsi' || !used.has(String(index))).length;
}

function settingNotices({ os, features, clock, pm, memory, currentMemory, vcpu }: FilledDomainDef): string[] {
  const notices: string[] = [];
  if (currentMemory < memory) notices.push('currentMemory: without a balloon the guest has all of its memory');
  if ((vcpu.current ?? vcpu.max) < vcpu.max)
    notices.push('vcpu: vCPUs beyond the current ones cannot be plugged in later');
  if (os.bootmenu?.enable) notices.push('bootmenu: the firmware has no menu');
  const named = Object.keys(features ?? {}).filter((name) => name !== 'extra');
  if (named.length > 0) notices.push(`features ${named.join(', ')}: the machine has none of them`);
  if (clock.timers.length > 0) notices.push("clock: timers are the machine's own");
  if (pm?.suspendToMem?.enabled || pm?.suspendToDisk?.enabled) notices.push('pm: the guest cannot be put to sleep');
  return notices;
}

function extraNotices(def: FilledDomainDef): string[] {
  const notices: string[] = [];
  for (const { place, at } of extensibles(def, 'domain')) {
    for (const name of Object.keys(at.extra?.attributes ?? {})) {
      notices.push(`attribute '${name}' of '${place}' has no effect`);
    }
    for (const element of at.extra?.elements ?? []) {
      const uri = namespaceOf(element);
      const of = uri === undefined ? '' : ` of namespace '${uri}'`;
      notices.push(`element '${element.name}'${of} in '${place}' has no effect`);
    }
  }
  return [...new Set(notices)];
}

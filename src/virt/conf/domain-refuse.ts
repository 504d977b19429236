/** Parts of libvirt's domain XML that ask for something no machine of ours has, each with its place. */
import { VirtError } from '../../util/index.ts';
import { deviceTypes } from './devices.ts';
import type { DomainDef } from './domain-def.ts';
import { namespaceOf } from './xml.ts';
import type { Extensible } from './xml-node.ts';

/** CONFIG_UNSUPPORTED for `what`. */
export function unsupported(what: string, data?: Record<string, unknown>): VirtError {
  return new VirtError('CONFIG_UNSUPPORTED', `unsupported configuration: ${what}`, {
    domain: 'DOMAIN',
    ...(data === undefined ? {} : { data }),
  });
}

/**
 * Elements without a field that cannot be left out without the guest or its owner being worse off than asked, by the
 * place of the object that keeps them. `*` stands for every element there.
 */
const refused: Readonly<Record<string, readonly string[]>> = {
  domain: [
    'bootloader',
    'bootloader_args',
    'maxMemory',
    'memtune',
    'memoryBacking',
    'blkiotune',
    'numatune',
    'iothreads',
    'iothreadids',
    'defaultiothread',
    'vcpus',
    'sysinfo',
    'idmap',
    'perf',
    'genid',
    'keywrap',
    'launchSecurity',
    'throttlegroups',
  ],
  'domain/cputune': ['*'],
  'domain/os': ['*'],
  'domain/features': ['*'],
  'domain/cpu': ['*'],
  'domain/devices': ['lease', 'smartcard', 'nvram', 'shmem', 'memory', 'iommu', 'crypto'],
  'domain/devices/disk': ['encryption', 'auth', 'mirror', 'blockio', 'geometry', 'wwn'],
  'domain/devices/disk/source': ['encryption', 'slices', 'reservations'],
  'domain/devices/interface': [
    'filterref',
    'bandwidth',
    'vlan',
    'virtualport',
    'route',
    'port',
    'teaming',
    'backenddomain',
    'script',
    'downscript',
    'guest',
    'tune',
    'coalesce',
  ],
};

/** Namespaces whose elements are orders for hypervisors that are not ours. */
const hypervisors = /^http:\/\/libvirt\.org\/schemas\/domain\/(qemu|lxc|xen|bhyve|openvz)\//;

/** Throws CONFIG_UNSUPPORTED for the first element that is on the list. */
export function refuseUnsupported(def: DomainDef): void {
  for (const { place, at } of extensibles(def, 'domain')) {
    for (const element of at.extra?.elements ?? []) {
      const uri = namespaceOf(element);
      const names = refused[place] ?? [];
      const isListed = uri === undefined && (names.includes('*') || names.includes(element.name));
      if (isListed || (uri !== undefined && hypervisors.test(uri))) {
        throw unsupported(`element '${element.name}' in '${place}' is not supported`, { place, element: element.name });
      }
    }
  }
  if (def.cputune?.shares !== undefined) throw unsupported("element 'shares' in 'domain/cputune' is not supported");
}

/** Names of the elements that lists and objects of a definition stand for, where they differ from the property's. */
const elementNames: Readonly<Record<string, string>> = {
  ...Object.fromEntries(Object.entries(deviceTypes).map(([kind, { name }]) => [kind, name])),
  suspendToMem: 'suspend-to-mem',
  suspendToDisk: 'suspend-to-disk',
  modelName: 'model',
  vcpupins: 'vcpupin',
  timers: 'timer',
  sources: 'source',
  listens: 'listen',
  ips: 'ip',
  portForwards: 'portForward',
  ranges: 'range',
  hosts: 'host',
  forwarders: 'forwarder',
  txts: 'txt',
  srvs: 'srv',
};

/** Every object of a definition that keeps extras, with its place: `domain/devices/disk`. */
export function* extensibles(at: Extensible, place: string): Generator<{ place: string; at: Extensible }> {
  yield { place, at };
  for (const [key, value] of Object.entries(at)) {
    if (key === 'extra' || key === 'metadata' || typeof value !== 'object' || value === null) continue;
    const inner = `${place}/${elementNames[key] ?? key}`;
    for (const one of Array.isArray(value) ? value : [value]) yield* extensibles(one as Extensible, inner);
  }
}

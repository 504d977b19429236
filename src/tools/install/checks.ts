import type { Connection, StoragePool } from '../../virt/index.ts';
import { UsageFailure } from '../cli/virsh/failure.ts';
import { prettySize } from '../cli/virsh/units.ts';
import { attributeOf, childOf, childrenOf, parseXml } from '../cli/virsh/xml.ts';
import type { DiskRequest } from './devices.ts';
import { parseSettings } from './settings.ts';

const CHECKS = ['path_in_use', 'mac_in_use', 'disk_size', 'path_exists', 'all'] as const;

/** What is looked at before a domain is made. */
export interface Checks {
  /** No other domain has one of its images. */
  readonly pathInUse: boolean;
  /** No other domain has one of its addresses. */
  readonly macInUse: boolean;
  /** New images have room. */
  readonly diskSize: boolean;
}

/** Reads the values of `--check`. Throws UsageFailure. */
export function parseChecks(texts: readonly string[]): Checks {
  const all = texts.map((text) => parseSettings('check', text, { names: CHECKS }));
  const on = (name: string) => {
    const values = all.flatMap((settings) => settings.given([name, 'all']).map((key) => settings.flag(key)));
    return !values.includes(false);
  };
  return { pathInUse: on('path_in_use'), macInUse: on('mac_in_use'), diskSize: on('disk_size') };
}

function override(why: string, check: string): UsageFailure {
  return new UsageFailure(`${why} (Use --check ${check}=off or --check all=off to override)`);
}

/** Throws UsageFailure when another domain has an image or an address of the one that is to be made. */
export async function checkInUse(connection: Connection, xml: string, checks: Checks): Promise<void> {
  if (!checks.pathInUse && !checks.macInUse) return;
  const devices = childOf(parseXml(xml), 'devices');
  const images = childrenOf(devices, 'disk').flatMap((disk) => {
    const shared = childOf(disk, 'readonly') !== undefined || childOf(disk, 'shareable') !== undefined;
    const path = attributeOf(childOf(disk, 'source'), 'file') ?? attributeOf(childOf(disk, 'source'), 'dev');
    return shared || path === undefined ? [] : [path];
  });
  const addresses = childrenOf(devices, 'interface').flatMap(
    (nic) => attributeOf(childOf(nic, 'mac'), 'address')?.toLowerCase() ?? [],
  );
  if (images.length === 0 && addresses.length === 0) return;
  for (const domain of await connection.listAllDomains()) {
    // One that goes away meanwhile uses nothing.
    const other = await domain.getXMLDesc().catch(() => undefined);
    if (other === undefined) continue;
    const theirs = childOf(parseXml(other), 'devices');
    for (const disk of childrenOf(theirs, 'disk')) {
      const source = childOf(disk, 'source');
      const path = attributeOf(source, 'file') ?? attributeOf(source, 'dev') ?? '';
      if (checks.pathInUse && childOf(disk, 'shareable') === undefined && images.includes(path)) {
        throw override(
          `--disk ${path}: Disk ${path} is already in use by other guests ['${domain.name}'].`,
          'path_in_use',
        );
      }
    }
    for (const nic of childrenOf(theirs, 'interface')) {
      const mac = attributeOf(childOf(nic, 'mac'), 'address')?.toLowerCase() ?? '';
      if (checks.macInUse && addresses.includes(mac)) {
        throw override(`The MAC address '${mac}' is in use by another virtual machine.`, 'mac_in_use');
      }
    }
  }
}

/** An image that is written at once needs room for all of it; one that grows, only a word about it. */
export async function checkRoom(pool: StoragePool, disk: DiskRequest, note: (text: string) => void): Promise<void> {
  const { available } = await pool.getInfo();
  const size = disk.sizeBytes ?? 0n;
  if (size <= available) return;
  const sparse = disk.settings.text('sparse') === undefined || disk.settings.flag('sparse');
  const said = `${prettySize(size)} requested, ${prettySize(available)} available`;
  if (sparse) note(`warning: The requested volume capacity will exceed the available pool space: ${said}`);
  else throw override(`There is not enough free space to create the disk. ${said}`, 'disk_size');
}

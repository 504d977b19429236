import type { Element } from '@xmldom/xmldom';
import { attributeOf, childOf, childrenOf, parseXml } from '../xml.ts';

/** A disk as a domain's description has it. */
export interface DiskEntry {
  readonly type: string;
  readonly device: string;
  readonly target: string;
  /** File, device, `pool/volume` or network name; undefined for an empty drive. */
  readonly source: string | undefined;
  readonly element: Element;
}

/** A network interface as a domain's description has it. */
export interface InterfaceEntry {
  readonly target: string | undefined;
  readonly type: string;
  readonly source: string | undefined;
  readonly model: string | undefined;
  readonly mac: string | undefined;
  readonly element: Element;
}

function sourceOf(disk: Element): string | undefined {
  const source = childOf(disk, 'source');
  const volume = attributeOf(source, 'volume');
  if (volume !== undefined) return `${attributeOf(source, 'pool') ?? ''}/${volume}`;
  for (const name of ['file', 'dev', 'dir', 'name', 'path']) {
    const value = attributeOf(source, name);
    if (value !== undefined) return value;
  }
  return undefined;
}

/** The devices of a domain's description. */
export function devicesOf(xml: string, kind: string): Element[] {
  return childrenOf(childOf(parseXml(xml), 'devices'), kind);
}

/** The disks of a domain's description. */
export function disksOf(xml: string): DiskEntry[] {
  return devicesOf(xml, 'disk').map((disk) => ({
    type: attributeOf(disk, 'type') ?? 'file',
    device: attributeOf(disk, 'device') ?? 'disk',
    target: attributeOf(childOf(disk, 'target'), 'dev') ?? '',
    source: sourceOf(disk),
    element: disk,
  }));
}

/** The network interfaces of a domain's description. */
export function interfacesOf(xml: string): InterfaceEntry[] {
  return devicesOf(xml, 'interface').map((nic) => {
    const source = childOf(nic, 'source');
    return {
      target: attributeOf(childOf(nic, 'target'), 'dev'),
      type: attributeOf(nic, 'type') ?? 'user',
      source: ['network', 'bridge', 'dev', 'path', 'name'].map((name) => attributeOf(source, name)).find(Boolean),
      model: attributeOf(childOf(nic, 'model'), 'type'),
      mac: attributeOf(childOf(nic, 'mac'), 'address'),
      element: nic,
    };
  });
}

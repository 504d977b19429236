/** Domain XML and device XML to plain data. What is missing stays missing: see domain-postparse.ts. */
import { VirtError } from '../../util/index.ts';
import { type DeviceDef, deviceKinds, deviceTypes } from './devices.ts';
import { domain } from './domain-codec.ts';
import type { DomainDef } from './domain-def.ts';
import { type Element, parseXml } from './xml.ts';

/** The definition in a `<domain>` document. Throws XML_ERROR, or CONFIG_UNSUPPORTED for what has no field to be in. */
export function parseDomain(xml: string): DomainDef {
  return readDomain(parseXml(xml, 'domain'));
}

/** The definition in a `<domain>` element. Throws as `parseDomain`. */
export function readDomain(root: Element): DomainDef {
  const def = domain.read(root);
  // The id is of the running domain, not of its definition.
  return withoutAttribute(def, 'id');
}

function withoutAttribute(def: DomainDef, name: string): DomainDef {
  const { extra, ...rest } = def;
  if (extra?.attributes?.[name] === undefined) return def;
  const { [name]: _gone, ...attributes } = extra.attributes;
  const kept = {
    ...(Object.keys(attributes).length === 0 ? {} : { attributes }),
    ...(extra.elements === undefined ? {} : { elements: extra.elements }),
  };
  return Object.keys(kept).length === 0 ? rest : { ...rest, extra: kept };
}

/** The one device in a document like `<disk>…</disk>`. Throws XML_ERROR, CONFIG_UNSUPPORTED for an unknown kind. */
export function parseDevice(xml: string): DeviceDef {
  const names = deviceKinds.map((kind) => deviceTypes[kind].name);
  const root = parseXml(xml, ...names, ...otherDevices);
  const kind = deviceKinds.find((one) => deviceTypes[one].name === root.nodeName);
  if (kind === undefined) {
    throw new VirtError('CONFIG_UNSUPPORTED', `unsupported configuration: device '${root.nodeName}' is not supported`, {
      domain: 'DOMAIN',
    });
  }
  return { kind, def: deviceTypes[kind].codec.read(root) } as DeviceDef;
}

/** Devices that libvirt knows and that have no fields here. */
export const otherDevices: readonly string[] = [
  'lease',
  'smartcard',
  'hub',
  'nvram',
  'shmem',
  'memory',
  'iommu',
  'crypto',
];

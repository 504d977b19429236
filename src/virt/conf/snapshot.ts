/** Snapshots of domains as plain data and as XML. */
import { attr, type Codec, child, element, type Field, list, only, textChild } from './codec.ts';
import { domain } from './domain-codec.ts';
import type { DomainDef } from './domain-def.ts';
import { writeDomain } from './domain-format.ts';
import type { SnapshotInput } from './input.ts';
import { int, nonEmpty, oneOf, str } from './scalar.ts';
import { parseXml } from './xml.ts';
import { formatXml } from './xml-format.ts';
import type { Extensible } from './xml-node.ts';

/** `<domainsnapshot>`. */
export interface DomainSnapshotDef extends Extensible {
  /** Absent in a wish: the time it is made at. */
  name?: string;
  description?: string;
  state?: 'running' | 'paused' | 'shutoff' | 'disk-snapshot' | 'crashed' | 'blocked' | 'nostate' | 'pmsuspended';
  /** Seconds since 1970. */
  creationTime?: number;
  parent?: { name: string } & Extensible;
  memory?: { snapshot: 'no' | 'internal' | 'external'; file?: string } & Extensible;
  disks?: { disks: SnapshotDiskDef[] } & Extensible;
  /** The domain's definition as it was. */
  domain?: DomainDef;
}

/** `<disk>` of a snapshot. */
export interface SnapshotDiskDef extends Extensible {
  /** Target or path. */
  name: string;
  snapshot?: 'no' | 'internal' | 'external' | 'manual';
}

const domainField: Field<DomainDef> = {
  children: ['domain'],
  read(from) {
    const found = only(from, 'domain');
    return found === undefined ? undefined : domain.read(found);
  },
  write(value, into) {
    into.children = [...(into.children ?? []), writeDomain(value, { secure: true, inactive: true })];
  },
};

const snapshot: Codec<DomainSnapshotDef> = element<DomainSnapshotDef>({
  name: textChild('name', nonEmpty),
  description: textChild('description', str),
  state: textChild(
    'state',
    oneOf('running', 'paused', 'shutoff', 'disk-snapshot', 'crashed', 'blocked', 'nostate', 'pmsuspended'),
  ),
  parent: child(
    'parent',
    element<NonNullable<DomainSnapshotDef['parent']>>({ name: textChild('name', nonEmpty, 'required') }),
  ),
  creationTime: textChild('creationTime', int(0)),
  memory: child(
    'memory',
    element<NonNullable<DomainSnapshotDef['memory']>>({
      snapshot: attr('snapshot', oneOf('no', 'internal', 'external'), 'required'),
      file: attr('file', nonEmpty),
    }),
  ),
  disks: child(
    'disks',
    element<NonNullable<DomainSnapshotDef['disks']>>({
      disks: list(
        'disk',
        element<SnapshotDiskDef>({
          name: attr('name', nonEmpty, 'required'),
          snapshot: attr('snapshot', oneOf('no', 'internal', 'external', 'manual')),
        }),
      ),
    }),
  ),
  domain: domainField,
});

/** The definition in a `<domainsnapshot>` document. Throws XML_ERROR, CONFIG_UNSUPPORTED. */
export function parseSnapshot(xml: string): DomainSnapshotDef {
  return snapshot.read(parseXml(xml, 'domainsnapshot'));
}

/** The `<domainsnapshot>` document of a snapshot; passwords in its domain only when `secure`. */
export function formatSnapshot(def: SnapshotInput, options: { secure?: boolean } = {}): string {
  const { domain: inner, ...rest } = def as DomainSnapshotDef;
  const written = snapshot.write(rest, 'domainsnapshot');
  if (inner !== undefined) {
    const shown = writeDomain(inner, { secure: options.secure ?? false, inactive: true });
    written.children = [...(written.children ?? []), shown];
  }
  return formatXml(written);
}

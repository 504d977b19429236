/** `<metadata>`: what applications keep in a definition, one element of a namespace each, and what we keep there. */
import { VirtError } from '../../util/index.ts';
import { attr, type Codec, element, type Field, only } from './codec.ts';
import type { DomainDef, NodevisorDef } from './domain-def.ts';
import { oneOf, uint } from './scalar.ts';
import { type Element, elementsOf, namespaceOf, parseAnyXml, toPlain, unsupportedAt, xmlError } from './xml.ts';
import { formatXml } from './xml-format.ts';
import type { XmlElement } from './xml-node.ts';

/** Namespace of our own element. */
export const NODEVISOR_NAMESPACE = 'https://nodevisor.dev/schemas/domain/1.0';

const nodevisor: Codec<NodevisorDef> = element<NodevisorDef>({
  cpuBackend: attr('cpu-backend', oneOf('auto', 'interpreter', 'wasm', 'native')),
  clock: attr('clock', oneOf('host', 'virtual')),
  firmware: attr('firmware', oneOf('builtin', 'none')),
  seed: attr('seed', uint),
});

/** The applications' elements. */
export const metadataField: Field<XmlElement[]> = {
  children: ['metadata'],
  read(from) {
    const found = only(from, 'metadata');
    if (found === undefined) return undefined;
    const elements = elementsOf(found);
    checkNamespaces(elements);
    const theirs = elements.filter(({ namespaceURI }) => namespaceURI !== NODEVISOR_NAMESPACE);
    return theirs.length === 0 ? undefined : theirs.map(toPlain);
  },
  write: (value, into) => metadataOf(into).push(...value),
};

function checkNamespaces(elements: readonly Element[]): void {
  const seen = new Set<string>();
  for (const one of elements) {
    const uri = one.namespaceURI;
    if (uri === null) throw xmlError(one, 'elements in <metadata> need a namespace');
    if (seen.has(uri)) throw xmlError(one, `<metadata> may have only one element of namespace '${uri}'`);
    seen.add(uri);
  }
}

/** Our element, in `<metadata>` or right in the root; written into `<metadata>`, where the schema has room for it. */
export const nodevisorField: Field<NodevisorDef> = {
  namespace: NODEVISOR_NAMESPACE,
  read(from) {
    const metadata = only(from, 'metadata');
    const all = [...elementsOf(from), ...(metadata === undefined ? [] : elementsOf(metadata))].filter(
      ({ namespaceURI }) => namespaceURI === NODEVISOR_NAMESPACE,
    );
    const wrong = all.find(({ localName }, index) => localName !== 'machine' || index > 0);
    if (wrong !== undefined) throw unsupportedAt(wrong, 'anything but one <machine> in this namespace');
    return all[0] === undefined ? undefined : nodevisor.read(all[0]);
  },
  write: (value, into) => metadataOf(into).push(writeNodevisor(value)),
};

function writeNodevisor(value: NodevisorDef): XmlElement {
  const written = nodevisor.write(value, 'nodevisor:machine');
  return { ...written, attributes: { 'xmlns:nodevisor': NODEVISOR_NAMESPACE, ...written.attributes } };
}

/** The content of `<metadata>` within an element that is being written. */
function metadataOf(into: XmlElement): XmlElement['children'] & object {
  into.children ??= [];
  const last = into.children.at(-1);
  if (typeof last === 'object' && 'name' in last && last.name === 'metadata') {
    last.children ??= [];
    return last.children;
  }
  const made: XmlElement = { name: 'metadata', children: [] };
  into.children.push(made);
  return made.children!;
}

/** The element of a namespace, as XML; undefined when there is none. */
export function getMetadata(def: DomainDef, uri: string): string | undefined {
  if (uri === NODEVISOR_NAMESPACE) return def.nodevisor && formatXml(writeNodevisor(def.nodevisor));
  const found = def.metadata?.find((one) => namespaceOf(one) === uri);
  return found && formatXml(found);
}

/**
 * Puts an element under a namespace, in place of the one that was there; without `xml` takes it away. As in libvirt the
 * element is given without the namespace, which it gets by the prefix `key`.
 * Throws XML_ERROR, INVALID_ARG for a missing or impossible key, NO_DOMAIN_METADATA when there is none to take away.
 */
export function setMetadata<D extends DomainDef>(
  def: D,
  uri: string,
  key: string | undefined,
  xml: string | undefined,
): D {
  const { metadata = [], nodevisor: own } = def;
  const others = metadata.filter((one) => namespaceOf(one) !== uri);
  const isOwn = uri === NODEVISOR_NAMESPACE;
  const keep = (all: XmlElement[], ours: NodevisorDef | undefined): D => {
    const next: DomainDef = { ...def };
    delete next.metadata;
    delete next.nodevisor;
    if (all.length > 0) next.metadata = all;
    if (ours !== undefined) next.nodevisor = ours;
    return next as D;
  };
  if (xml === undefined) {
    if (isOwn ? own === undefined : others.length === metadata.length) {
      throw new VirtError('NO_DOMAIN_METADATA', 'metadata not found: Requested metadata element is not present', {
        domain: 'DOMAIN',
        data: { uri },
      });
    }
    return keep(others, isOwn ? undefined : own);
  }
  const given = readGiven(uri, key, xml);
  if (!isOwn) return keep([...others, toPlain(given)], own);
  if (given.localName !== 'machine') throw unsupportedAt(given, 'anything but <machine> in this namespace');
  return keep(others, nodevisor.read(given));
}

/** The element with its namespace. */
function readGiven(uri: string, key: string | undefined, xml: string): Element {
  if (key === undefined || !/^[A-Za-z_][\w.-]*$/.test(key) || key === 'xmlns' || key === 'xml') {
    throw new VirtError('INVALID_ARG', `invalid argument: '${key ?? ''}' cannot be the prefix of a namespace`);
  }
  const root = parseAnyXml(xml);
  if (root.namespaceURI === uri) return root;
  if (root.namespaceURI !== null) {
    throw xmlError(root, `its namespace is '${root.namespaceURI}', not the metadata's '${uri}'`);
  }
  const plain = toPlain(root);
  const named = {
    ...plain,
    name: `${key}:${plain.name}`,
    attributes: { [`xmlns:${key}`]: uri, ...plain.attributes },
  };
  return parseAnyXml(formatXml(named));
}

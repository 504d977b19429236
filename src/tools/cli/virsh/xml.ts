/** Reading the little that commands need from a description, and writing elements. */
import { DOMParser, type Element, type Node, onErrorStopParsing, XMLSerializer } from '@xmldom/xmldom';
import { VirtError } from '../../../util/index.ts';

/** The root element of a document. Throws VirtError XML_ERROR. */
export function parseXml(text: string): Element {
  try {
    const root = new DOMParser({ onError: onErrorStopParsing }).parseFromString(text, 'text/xml').documentElement;
    if (root !== null) return root;
  } catch (cause) {
    const [reason = ''] = (cause as Error).message.split('\n');
    throw new VirtError('XML_ERROR', `XML error: ${reason}`, { cause });
  }
  throw new VirtError('XML_ERROR', 'XML error: there is no element in the document');
}

function isElement(node: Node): node is Element {
  return node.nodeType === 1;
}

/** Child elements, all or those of a name. */
export function childrenOf(element: Element | undefined, name?: string): Element[] {
  const children = element === undefined ? [] : Array.from(element.childNodes).filter(isElement);
  return name === undefined ? children : children.filter((child) => child.nodeName === name);
}

/** First child element of a name, down a path of names. */
export function childOf(element: Element | undefined, ...path: readonly string[]): Element | undefined {
  return path.reduce<Element | undefined>((at, name) => childrenOf(at, name)[0], element);
}

/** An attribute of an element that may be absent; undefined when it is not there. */
export function attributeOf(element: Element | undefined, name: string): string | undefined {
  return element?.getAttribute(name) ?? undefined;
}

/** An element as text. */
export function serialize(element: Element): string {
  return new XMLSerializer().serializeToString(element);
}

/** `'`, `<` and the like as references, line ends too: indenting must not change them. */
export function escapeXml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll("'", '&apos;')
    .replaceAll('"', '&quot;')
    .replaceAll('\n', '&#10;');
}

/** Attributes of a new element; those that are undefined are left out. */
export type Attributes = Readonly<Record<string, string | number | undefined>>;

/** What is in a new element: text, elements, or nothing where a part is undefined. */
export type Content = string | readonly (string | undefined)[];

/** A new element as text: a string as content is text, a list is elements on lines of their own. */
export function element(name: string, attributes: Attributes = {}, content: Content = []): string {
  const given = Object.entries(attributes).filter(([, value]) => value !== undefined);
  const start = `<${name}${given.map(([key, value]) => ` ${key}='${escapeXml(String(value))}'`).join('')}`;
  if (typeof content === 'string') return `${start}>${escapeXml(content)}</${name}>`;
  const inner = content.filter((part) => part !== undefined);
  if (inner.length === 0) return `${start}/>`;
  return `${start}>\n${inner.map((part) => part.replace(/^/gm, '  ')).join('\n')}\n</${name}>`;
}

/** An element that is only there if one of its attributes is. */
export function part(name: string, attributes: Attributes): string | undefined {
  return Object.values(attributes).some((value) => value !== undefined) ? element(name, attributes) : undefined;
}

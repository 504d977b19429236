/**
 * XML documents, read strictly. What is not well-formed, too big, too deep, or plays with document types and entities
 * ends in a VirtError XML_ERROR that names line and column.
 */
import { DOMParser, type Element, type Node } from '@xmldom/xmldom';
import { VirtError } from '../../util/index.ts';
import { isElement, type XmlElement, type XmlNode } from './xml-node.ts';
import { scanXml } from './xml-scan.ts';

export type { Element } from '@xmldom/xmldom';

/** Line and column of a place in a document, from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

const XMLNS = 'http://www.w3.org/2000/xmlns/';

/** An error about one place of a document. */
export function xmlErrorAt(reason: string, { line, column }: Position, path?: string): VirtError {
  const where = path === undefined ? '' : `${path}: `;
  return new VirtError('XML_ERROR', `XML error: ${where}${reason} (line ${line}, column ${column})`, {
    domain: 'XML',
    data: { ...(path === undefined ? {} : { path }), line, column },
  });
}

/** An error about an element, which it names by its path. */
export function xmlError(element: Element, reason: string): VirtError {
  return xmlErrorAt(reason, positionOf(element), pathOf(element));
}

/** An error about something that is valid and that there is no support for: CONFIG_UNSUPPORTED. */
export function unsupportedAt(element: Element, what: string): VirtError {
  const { line, column } = positionOf(element);
  const path = pathOf(element);
  return new VirtError(
    'CONFIG_UNSUPPORTED',
    `unsupported configuration: ${path}: ${what} is not supported (line ${line}, column ${column})`,
    { domain: 'DOMAIN', data: { path, line, column } },
  );
}

/** Where an element starts. */
export function positionOf(element: Element): Position {
  return { line: element.lineNumber ?? 0, column: element.columnNumber ?? 0 };
}

/** Names of an element and all around it: `/domain/devices/disk[2]/target`. */
export function pathOf(element: Element): string {
  const steps: string[] = [];
  for (let at: Node | null = element; at !== null && at.nodeType === 1; at = at.parentNode) {
    const same = at.parentNode === null ? [] : elementsOf(at.parentNode).filter((one) => one.nodeName === at?.nodeName);
    const index = same.length > 1 ? `[${same.indexOf(at as Element) + 1}]` : '';
    steps.unshift(`${at.nodeName}${index}`);
  }
  return `/${steps.join('/')}`;
}

/** The elements right below a node, in order. */
export function elementsOf(node: Node): Element[] {
  const found: Element[] = [];
  for (let child = node.firstChild; child !== null; child = child.nextSibling) {
    if (child.nodeType === 1) found.push(child as Element);
  }
  return found;
}

/** The root element of a document, which must have one of the given names and no namespace. Throws XML_ERROR. */
export function parseXml(text: string, ...names: readonly string[]): Element {
  const root = parseAnyXml(text);
  if (root.namespaceURI !== null || !names.includes(root.nodeName)) {
    const wanted = names.map((name) => `'${name}'`).join(' or ');
    throw xmlErrorAt(`expecting root element of ${wanted}, not '${root.nodeName}'`, positionOf(root));
  }
  return root;
}

/** The root element of a document, whatever it is. Throws XML_ERROR. */
export function parseAnyXml(text: string): Element {
  const fault = scanXml(text);
  if (fault !== undefined) throw xmlErrorAt(fault.reason, positionAt(text, fault.offset));
  if (text.trim() === '') throw xmlErrorAt('the document is empty', { line: 1, column: 1 });
  let failure: VirtError | undefined;
  const parser = new DOMParser({
    onError(_level, message, context) {
      // A document may well contain this character.
      if (message.startsWith('Unicode replacement character')) return;
      const { lineNumber: line = 1, columnNumber: column = 1 } = context?.locator ?? {};
      failure ??= xmlErrorAt(oneLine(message), { line: Math.max(line, 1), column: Math.max(column, 1) });
      throw failure;
    },
  });
  try {
    const root = parser.parseFromString(text, 'application/xml').documentElement;
    if (root !== null) return root;
  } catch (cause) {
    if (failure !== undefined) throw failure;
    throw new VirtError('XML_ERROR', `XML error: ${oneLine(cause instanceof Error ? cause.message : String(cause))}`, {
      cause,
      domain: 'XML',
    });
  }
  throw xmlErrorAt('there is no root element', { line: 1, column: 1 });
}

/** An element with all in it as plain data; prefixes that are declared around it become its own declarations. */
export function toPlain(element: Element): XmlElement {
  const plain = plainElement(element);
  const missing: Record<string, string> = {};
  collectPrefixes(element, element, missing);
  const attributes = { ...missing, ...plain.attributes };
  return { name: plain.name, ...(isEmpty(attributes) ? {} : { attributes }), ...pick(plain) };
}

const pick = ({ children }: XmlElement): Pick<XmlElement, 'children'> => (children === undefined ? {} : { children });

/** The attributes by name, whatever the name is. */
export function attributesOf(element: Element): Record<string, string> {
  if (element.attributes.length === 0) return {};
  return Object.fromEntries(Array.from(element.attributes, ({ name, value }) => [name, value]));
}

function plainElement(element: Element): XmlElement {
  const attributes = attributesOf(element);
  const children = plainChildren(element);
  return {
    name: element.nodeName,
    ...(isEmpty(attributes) ? {} : { attributes }),
    ...(children.length === 0 ? {} : { children }),
  };
}

/** White space between elements is layout and goes; in mixed content all text stays. */
function plainChildren(element: Element): XmlNode[] {
  const children: XmlNode[] = [];
  for (let child = element.firstChild; child !== null; child = child.nextSibling) {
    const text = child.nodeValue ?? '';
    if (child.nodeType === 1) children.push(plainElement(child as Element));
    else if (child.nodeType === 3) pushText(children, text);
    else if (child.nodeType === 4) children.push({ cdata: text });
    else if (child.nodeType === 8) children.push({ comment: text });
  }
  const texts = children.filter((node): node is string => typeof node === 'string');
  const isLayout = texts.every((text) => text.trim() === '') && children.some((node) => typeof node !== 'string');
  return isLayout ? children.filter((node) => typeof node !== 'string') : children;
}

function pushText(children: XmlNode[], text: string): void {
  const last = children.length - 1;
  if (typeof children[last] === 'string') children[last] += text;
  else children.push(text);
}

/** Declarations that `element` and all below it use and that stand around `top`. */
function collectPrefixes(element: Element, top: Element, missing: Record<string, string>): void {
  for (const node of [element, ...element.attributes]) {
    const { prefix, namespaceURI } = node;
    if (prefix === 'xml' || namespaceURI === XMLNS || namespaceURI === null) continue;
    const declaration = prefix === null || prefix === '' ? 'xmlns' : `xmlns:${prefix}`;
    if (!isDeclaredWithin(element, top, declaration)) missing[declaration] = namespaceURI;
  }
  for (const child of elementsOf(element)) collectPrefixes(child, top, missing);
}

function isDeclaredWithin(element: Element, top: Element, declaration: string): boolean {
  for (let at: Element | null = element; at !== null; at = at === top ? null : (at.parentNode as Element)) {
    if (at.hasAttribute(declaration)) return true;
  }
  return false;
}

/** Namespace of a plain element by the declarations on it. */
export function namespaceOf(element: XmlElement): string | undefined {
  const colon = element.name.indexOf(':');
  const prefix = colon < 0 ? '' : `:${element.name.slice(0, colon)}`;
  return element.attributes?.[`xmlns${prefix}`];
}

/** All elements within some, themselves included. */
export function* allElements(elements: readonly XmlElement[]): Generator<XmlElement> {
  for (const element of elements) {
    yield element;
    yield* allElements((element.children ?? []).filter(isElement));
  }
}

function positionAt(text: string, offset: number): Position {
  const before = text.slice(0, offset).split(/\r\n?|\n/);
  return { line: before.length, column: before[before.length - 1]!.length + 1 };
}

function isEmpty(record: object): boolean {
  return Object.keys(record).length === 0;
}

/** The parser puts its own position and source behind its sentence. */
function oneLine(message: string): string {
  const [first = ''] = message.split('\n');
  return first.replace(/\s*@#\[line.*$/, '').slice(0, 200);
}

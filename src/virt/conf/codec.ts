/**
 * Elements and the plain objects they stand for, described once for both directions. What a description does not claim
 * is kept in `extra`, what contradicts it is an XML_ERROR with path and line.
 */
import { type Scalar, unitBytes } from './scalar.ts';
import { attributesOf, type Element, elementsOf, toPlain, unsupportedAt, xmlError } from './xml.ts';
import type { Extensible, Extra, XmlElement, XmlNode } from './xml-node.ts';

/** Reads an element to a value and writes it back under a name. */
export interface Codec<T> {
  read(element: Element): T;
  write(value: T, name: string): XmlElement;
}

/** One field of an element's object: an attribute, the text, a child, several children. */
export interface Field<V> {
  /** Attributes and children that are its own; `#text` for the text. */
  readonly attributes?: readonly string[];
  readonly children?: readonly string[];
  readonly hasText?: boolean;
  /** Children of a namespace of ours. */
  readonly namespace?: string;
  read(element: Element): V | undefined;
  write(value: V, into: XmlElement): void;
}

/** A field for every property of an object but `extra`. */
export type Fields<T> = { readonly [K in Exclude<keyof T, 'extra'>]-?: Field<Exclude<T[K], undefined>> };

/** An element with fields, in the order in which they are written. */
export function element<T extends Extensible>(fields: Fields<T>): Codec<T> {
  const list = Object.entries(fields) as [string, Field<unknown>][];
  const attributes = new Set(list.flatMap(([, field]) => field.attributes ?? []));
  const children = new Set(list.flatMap(([, field]) => field.children ?? []));
  const namespaces = new Set(list.flatMap(([, field]) => field.namespace ?? []));
  const hasText = list.some(([, field]) => field.hasText);
  return {
    read(from) {
      const value: Record<string, unknown> = {};
      for (const [key, field] of list) {
        const one = field.read(from);
        if (one !== undefined) value[key] = one;
      }
      if (!hasText) refuseText(from);
      const extra = readExtra(from, attributes, children, namespaces);
      if (extra !== undefined) value['extra'] = extra;
      return value as T;
    },
    write(value, name) {
      const into: XmlElement = { name };
      const from = value as Record<string, unknown>;
      for (const [key, field] of list) if (from[key] !== undefined) field.write(from[key], into);
      writeExtra(value.extra, into);
      return into;
    },
  };
}

function refuseText(from: Element): void {
  if (ownText(from).trim() !== '') throw xmlError(from, 'there is no text allowed in it');
}

/** The text right in an element, its CDATA included. */
function ownText(from: Element): string {
  const parts: string[] = [];
  for (let child = from.firstChild; child !== null; child = child.nextSibling) {
    if (child.nodeType === 3 || child.nodeType === 4) parts.push(child.nodeValue ?? '');
  }
  return parts.join('');
}

function readExtra(
  from: Element,
  attributes: ReadonlySet<string>,
  children: ReadonlySet<string>,
  namespaces: ReadonlySet<string>,
): Extra | undefined {
  const rest: [name: string, value: string][] = [];
  for (const { name, value } of from.attributes) {
    if (!attributes.has(name) && name !== 'xmlns' && !name.startsWith('xmlns:')) rest.push([name, value]);
  }
  const elements: Element[] = [];
  for (let one = from.firstChild; one !== null; one = one.nextSibling) {
    if (one.nodeType !== 1) continue;
    const { namespaceURI, nodeName } = one;
    if (namespaceURI === null ? !children.has(nodeName) : !namespaces.has(namespaceURI)) elements.push(one as Element);
  }
  if (rest.length === 0 && elements.length === 0) return undefined;
  const prefixed = rest.find(([name]) => name.includes(':'));
  if (prefixed !== undefined)
    throw xmlError(from, `attribute '${prefixed[0]}' of a foreign namespace is not supported`);
  return {
    ...(rest.length === 0 ? {} : { attributes: Object.fromEntries(rest) }),
    ...(elements.length === 0 ? {} : { elements: elements.map(toPlain) }),
  };
}

function writeExtra(extra: Extra | undefined, into: XmlElement): void {
  if (extra?.attributes !== undefined) into.attributes = { ...into.attributes, ...extra.attributes };
  if (extra?.elements !== undefined) into.children = [...(into.children ?? []), ...extra.elements];
}

/** Reads a scalar; `what` names it in the error. */
export function readScalar<T>(from: Element, text: string, scalar: Scalar<T>, what: string): T {
  const value = scalar.read(text);
  if (value !== undefined) return value;
  throw xmlError(from, `invalid value '${text.slice(0, 80)}' ${what}, expected ${scalar.what}`);
}

/** An attribute. */
export function attr<T>(name: string, scalar: Scalar<T>, required?: 'required'): Field<T> {
  return {
    attributes: [name],
    read(from) {
      const text = from.getAttribute(name);
      if (text !== null) return readScalar(from, text, scalar, `for attribute '${name}' in element '${from.nodeName}'`);
      if (required) throw xmlError(from, `missing required attribute '${name}' in element '${from.nodeName}'`);
      return undefined;
    },
    write(value, into) {
      into.attributes ??= {};
      into.attributes[name] = scalar.write(value);
    },
  };
}

/** An attribute that has a value when it is absent. */
export function attrOr<T>(name: string, scalar: Scalar<T>, absent: T): Field<T> {
  const field = attr(name, scalar);
  return { ...field, read: (from) => field.read(from) ?? absent };
}

/** The element's own text; nothing but white space is none. */
export function text<T>(scalar: Scalar<T>, required?: 'required'): Field<T> {
  return {
    hasText: true,
    read(from) {
      const found = ownText(from);
      if (found.trim() !== '') return readScalar(from, found, scalar, `for element '${from.nodeName}'`);
      if (required) throw xmlError(from, `missing required text in element '${from.nodeName}'`);
      return undefined;
    },
    write(value, into) {
      push(into, scalar.write(value));
    },
  };
}

/** The child of a name; more than one is an error. */
export function only(from: Element, name: string): Element | undefined {
  let found: Element | undefined;
  for (let one = from.firstChild; one !== null; one = one.nextSibling) {
    if (one.nodeType !== 1 || one.nodeName !== name || one.namespaceURI !== null) continue;
    if (found !== undefined) throw xmlError(one as Element, `there may be only one <${name}>`);
    found = one as Element;
  }
  return found;
}

function push(into: XmlElement, child: XmlNode): void {
  into.children ??= [];
  into.children.push(child);
}

/** A child of which there is at most one. */
export function child<T>(name: string, codec: Codec<T>, required?: 'required'): Field<T> {
  return {
    children: [name],
    read(from) {
      const found = only(from, name);
      if (found !== undefined) return codec.read(found);
      if (required) throw xmlError(from, `missing required element '${name}' in element '${from.nodeName}'`);
      return undefined;
    },
    write: (value, into) => push(into, codec.write(value, name)),
  };
}

/** All children of a name, perhaps none. */
export function list<T>(name: string, codec: Codec<T>): Field<T[]> {
  return {
    children: [name],
    read: (from) =>
      elementsOf(from)
        .filter((one) => one.namespaceURI === null && one.nodeName === name)
        .map((one) => codec.read(one)),
    write(values, into) {
      for (const value of values) push(into, codec.write(value, name));
    },
  };
}

/** An element that is nothing but its text. */
export function leaf<T>(scalar: Scalar<T>): Codec<T> {
  return {
    read(from) {
      refuseMore(from);
      return readScalar(from, ownText(from), scalar, `for element '${from.nodeName}'`);
    },
    write: (value, name) => ({ name, children: [scalar.write(value)] }),
  };
}

/** A child that is nothing but its text. */
export function textChild<T>(name: string, scalar: Scalar<T>, required?: 'required'): Field<T> {
  return child(name, leaf(scalar), required);
}

/** An empty child that is there or not. */
export function flag(name: string): Field<true> {
  return {
    children: [name],
    read(from) {
      const found = only(from, name);
      if (found === undefined) return undefined;
      refuseMore(found);
      refuseText(found);
      return true;
    },
    write: (_value, into) => push(into, { name }),
  };
}

/** Elements that have no fields of ours: everything in them is kept. */
export const opaque: Codec<Extensible> = element<Extensible>({});

function refuseMore(from: Element): void {
  const [inner] = elementsOf(from);
  if (inner !== undefined) throw xmlError(inner, `<${from.nodeName}> has only text`);
  const [name] = Object.keys(attributesOf(from)).filter((one) => !one.startsWith('xmlns'));
  if (name !== undefined) throw xmlError(from, `attribute '${name}' is unknown`);
}

/** A size with `@unit`; read in any unit, kept in units of `unit` (rounded up), written with it. */
export function size(unit: 'KiB' | 'bytes' | 'B', defaultUnit: string = unit): Codec<number> {
  const bytesPer = unitBytes(unit)!;
  return {
    read(from) {
      const attribute = attributesOf(from);
      const { unit: given = defaultUnit, ...rest } = attribute;
      const scale = unitBytes(given);
      if (scale === undefined) throw xmlError(from, `unknown unit '${given}'`);
      const [other] = Object.keys(rest).filter((name) => !name.startsWith('xmlns'));
      if (other !== undefined) throw unsupportedAt(from, `attribute '${other}'`);
      const digits = ownText(from).trim();
      if (!/^\d{1,19}$/.test(digits)) throw xmlError(from, `invalid value '${digits.slice(0, 80)}': expected a size`);
      const value = (BigInt(digits) * scale + bytesPer - 1n) / bytesPer;
      if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw xmlError(from, `the size '${digits} ${given}' is too large`);
      return Number(value);
    },
    write: (value, name) => ({ name, attributes: { unit }, children: [String(value)] }),
  };
}

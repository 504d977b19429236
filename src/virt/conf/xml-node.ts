/** XML as plain data: what a definition keeps of a document's parts that it has no field for. */

/** An element with everything in it; text is a string, a comment and a CDATA section are objects. */
export interface XmlElement {
  /** With its prefix, if it has one; the prefix is declared on this element or within `attributes` of one around it. */
  name: string;
  /** In document order, namespace declarations included. */
  attributes?: Record<string, string>;
  children?: XmlNode[];
}

/** A part of an element's content. */
export type XmlNode = string | XmlElement | { comment: string } | { cdata: string };

/** What an element held beyond the fields of its definition; it is kept as it is and formatted again behind them. */
export interface Extra {
  attributes?: Record<string, string>;
  elements?: XmlElement[];
}

/** A definition that keeps what it has no field for. */
export interface Extensible {
  extra?: Extra;
}

/** True for an element, among the parts of an element's content. */
export function isElement(node: XmlNode): node is XmlElement {
  return typeof node === 'object' && 'name' in node;
}

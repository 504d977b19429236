/** XML as text, in libvirt's style: two spaces a level, single quotes, a new line at the end. */
import type { XmlElement, XmlNode } from './xml-node.ts';

/** An element and all in it as a document without a declaration. */
export function formatXml(element: XmlElement): string {
  const lines: string[] = [];
  pushElement(element, '', lines);
  return `${lines.join('\n')}\n`;
}

function pushElement(element: XmlElement, indent: string, lines: string[]): void {
  const children = element.children ?? [];
  if (children.some((node) => typeof node === 'string' || 'cdata' in node)) {
    lines.push(indent + inline(element));
    return;
  }
  const tag = startTag(element);
  if (children.length === 0) {
    lines.push(`${indent}<${tag}/>`);
    return;
  }
  lines.push(`${indent}<${tag}>`);
  for (const child of children) {
    if (typeof child === 'object' && 'name' in child) pushElement(child, `${indent}  `, lines);
    else lines.push(`${indent}  ${inline(child)}`);
  }
  lines.push(`${indent}</${element.name}>`);
}

/** Without any layout, for content in which white space counts. */
function inline(node: XmlNode): string {
  if (typeof node === 'string') return escapeText(node);
  if ('comment' in node) return `<!--${node.comment}-->`;
  if ('cdata' in node) return `<![CDATA[${node.cdata}]]>`;
  const tag = startTag(node);
  if (node.children === undefined || node.children.length === 0) return `<${tag}/>`;
  return `<${tag}>${node.children.map(inline).join('')}</${node.name}>`;
}

function startTag({ name, attributes = {} }: XmlElement): string {
  let tag = name;
  for (const key of Object.keys(attributes)) tag += ` ${key}='${escapeAttribute(attributes[key] as string)}'`;
  return tag;
}

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  "'": '&apos;',
  '\n': '&#10;',
  '\t': '&#9;',
  '\r': '&#13;',
};

function escapeText(text: string): string {
  return text.replace(/[&<>\r]/g, (char) => escapes[char]!);
}

function escapeAttribute(text: string): string {
  return text.replace(/[&<>'\n\t\r]/g, (char) => escapes[char]!);
}

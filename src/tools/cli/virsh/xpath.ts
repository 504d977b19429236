import type { XmlNode } from 'libxml2-wasm';
import type { CommandArgs } from './arguments.ts';
import { flag, type OptionDef, text } from './definition.ts';
import { UsageFailure } from './failure.ts';
import { document, type Output } from './output.ts';
import { escapeXml } from './xml.ts';

/** What commands take that show a description, to show parts of it only. */
export const xpathOptions: readonly OptionDef[] = [
  text('xpath', 'xpath expression to filter the XML document'),
  flag('wrap', 'wrap xpath results in a common root element'),
];

type Library = typeof import('libxml2-wasm');

/** A piece of a description; an attribute goes into the start tag that is around all. */
interface Piece {
  readonly kind: 'attribute' | 'element' | 'text';
  readonly text: string;
}

function pieceOf(node: XmlNode, library: Library): Piece {
  if (node instanceof library.XmlElement) return { kind: 'element', text: node.toString({ format: true }) };
  if (node instanceof library.XmlAttribute) {
    return { kind: 'attribute', text: ` ${node.name}="${escapeXml(node.value)}"` };
  }
  return { kind: 'text', text: escapeXml(node.content) };
}

function wrapped(pieces: readonly Piece[]): string {
  const attributes = pieces.filter(({ kind }) => kind === 'attribute').map((piece) => piece.text);
  const inner = pieces.filter(({ kind }) => kind !== 'attribute').map((piece) => piece.text.replace(/^/gm, '  '));
  const start = `<nodes${attributes.join('')}`;
  return inner.length === 0 ? `${start}/>` : [`${start}>`, ...inner, '</nodes>'].join('\n');
}

/** The parts of a document that an expression selects. Throws UsageFailure for one that selects none of its parts. */
async function select(xml: string, xpath: string): Promise<readonly Piece[]> {
  // Only now: few commands are asked for this.
  const library = await import('libxml2-wasm');
  const parsed = library.XmlDocument.fromString(xml, { option: library.ParseOption.XML_PARSE_NOBLANKS });
  try {
    const found = parsed.eval(xpath === '/' ? '/*' : xpath);
    if (!Array.isArray(found)) throw new UsageFailure(`internal error: Incorrect xpath '${xpath}'`);
    return found.map((node) => pieceOf(node, library));
  } catch (error) {
    if (!(error instanceof library.XmlXPathError)) throw error;
    throw new UsageFailure(`internal error: Unable to evaluate xpath expression '${xpath}'`);
  } finally {
    parsed.dispose();
  }
}

/** A description as it is, or what `--xpath` selects of it. */
export async function description(xml: string, args: CommandArgs): Promise<Output> {
  const xpath = args.text('xpath');
  if (xpath === undefined) return document(xml);
  const pieces = await select(xml, xpath);
  const shown = args.flag('wrap') ? wrapped(pieces) : pieces.map((piece) => piece.text).join('\n');
  return { text: shown === '' ? '' : `${shown}\n`, json: { xpath, nodes: pieces.map((piece) => piece.text) } };
}

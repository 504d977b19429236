/** Documents checked against libvirt's own schemas, where they are installed: what clients ask for with VALIDATE. */
import { closeSync, existsSync, openSync, readFileSync, readSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { RelaxNGValidator, XmlDocument } from 'libxml2-wasm';
import { parseXml } from '../conf/index.ts';
import { virtError } from '../errors.ts';

/** Where libvirt's packages put their schemas. */
const FOLDERS = [
  '/usr/share/libvirt/schemas',
  '/usr/local/share/libvirt/schemas',
  '/opt/homebrew/share/libvirt/schemas',
];

/** Root elements that there are schemas for, and the schemas' names. */
const schemaNames = {
  domain: 'domain',
  network: 'network',
  pool: 'storagepool',
  volume: 'storagevol',
  domainsnapshot: 'domainsnapshot',
} as const;

/** Root element of a document that can be checked. */
export type SchemaRoot = keyof typeof schemaNames;

type Library = typeof import('libxml2-wasm');

/** The schemas of a host. They are compiled when they are first asked for, and kept until `close`. */
export class Schemas {
  readonly #folders: readonly string[];
  readonly #compiled = new Map<string, { schema: XmlDocument; validator: RelaxNGValidator }>();

  /** @param folders where schemas may be, the best place first */
  constructor(folders: readonly string[] = FOLDERS) {
    this.#folders = folders;
  }

  /**
   * Checks a document. Throws XML_ERROR for what is no such document, XML_INVALID_SCHEMA, with the schema's path, for one
   * that is not valid, OPERATION_UNSUPPORTED where no schemas are installed.
   */
  async check(root: SchemaRoot, xml: string): Promise<void> {
    // Our own reader comes first: it knows what a hostile document looks like.
    parseXml(xml, root);
    const path = this.#find(`${schemaNames[root]}.rng`);
    const library = await import('libxml2-wasm');
    const { validator } = this.#compile(library, path);
    const document = library.XmlDocument.fromString(xml);
    try {
      validator.validate(document);
    } catch (cause) {
      const reasons = cause instanceof Error ? cause.message.trim() : String(cause);
      throw virtError('XML_INVALID_SCHEMA', `Unable to validate doc against ${path}\n${reasons}`, {
        cause,
        domain: 'XML',
        data: { schema: path },
      });
    } finally {
      document.dispose();
    }
  }

  /** Lets go of the compiled schemas. */
  close(): void {
    for (const { schema, validator } of this.#compiled.values()) {
      validator.dispose();
      schema.dispose();
    }
    this.#compiled.clear();
  }

  #find(name: string): string {
    const path = this.#folders.map((folder) => join(folder, name)).find((one) => existsSync(one));
    if (path !== undefined) return path;
    throw virtError(
      'OPERATION_UNSUPPORTED',
      `cannot validate the XML: libvirt's schema ${name} is not in ${this.#folders.join(', ')} (Debian package libvirt0)`,
      { domain: 'XML' },
    );
  }

  #compile(library: Library, path: string): { schema: XmlDocument; validator: RelaxNGValidator } {
    const known = this.#compiled.get(path);
    if (known !== undefined) return known;
    const { XmlDocument, RelaxNGValidator, xmlRegisterInputProvider, xmlCleanupInputProvider } = library;
    // Schemas include each other by name. Nothing else is ever read, and nothing at all when documents are checked.
    xmlRegisterInputProvider(filesIn(dirname(path)));
    try {
      const schema = XmlDocument.fromBuffer(readFileSync(path), { url: path });
      const compiled = { schema, validator: RelaxNGValidator.fromDoc(schema) };
      this.#compiled.set(path, compiled);
      return compiled;
    } catch (cause) {
      throw virtError('INTERNAL_ERROR', `Unable to parse RNG ${path}: ${String(cause)}`, { cause, domain: 'XML' });
    } finally {
      xmlCleanupInputProvider();
    }
  }
}

/** Reads the files of one folder, for the library. */
function filesIn(folder: string): Parameters<Library['xmlRegisterInputProvider']>[0] {
  return {
    match: (path) => dirname(path) === folder && existsSync(path),
    open(path) {
      try {
        return openSync(path, 'r');
      } catch {
        return undefined;
      }
    },
    read(file, buffer) {
      try {
        return readSync(file, buffer, 0, buffer.byteLength, null);
      } catch {
        return -1;
      }
    },
    close(file) {
      closeSync(file);
      return true;
    },
  };
}

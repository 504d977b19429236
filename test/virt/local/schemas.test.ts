import { strict as assert } from 'node:assert';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Context } from 'mocha';
import { Schemas } from '../../../src/virt/local/schemas.ts';
import { missing } from '../../support/need-tool.ts';
import { rejects } from '../backend-contract.ts';

const folder = '/usr/share/libvirt/schemas';
const golden = new URL('../../golden/virt/', import.meta.url);

function needSchemas(test: Context): void {
  if (!existsSync(`${folder}/domain.rng`)) missing(test, `${folder} is missing (Debian package libvirt0)`);
}

describe('schemas', () => {
  const domain = (more: string) =>
    `<domain type='qemu'><name>a</name><memory>1024</memory><os><type>hvm</type></os>${more}</domain>`;
  let schemas: Schemas;

  beforeEach(() => {
    schemas = new Schemas();
  });
  afterEach(() => schemas.close());

  it('let valid documents pass', async function () {
    needSchemas(this);
    await schemas.check('domain', domain(''));
    const written = readdirSync(golden).filter((name) => /\.(out|live)\.xml$/.test(name));
    for (const name of written) await schemas.check('domain', readFileSync(new URL(name, golden), 'utf8'));
    await schemas.check('network', '<network><name>n</name></network>');
    await schemas.check('pool', "<pool type='dir'><name>p</name><target><path>/p</path></target></pool>");
    await schemas.check('volume', '<volume><name>v</name><capacity>1</capacity><target/></volume>');
    await schemas.check('domainsnapshot', '<domainsnapshot/>');
  });

  it('name the schema and the reasons when a document is not valid', async function () {
    needSchemas(this);
    const error = await schemas.check('domain', domain('<novel/>')).catch((thrown: unknown) => thrown);
    await rejects(
      Promise.reject(error),
      'XML_INVALID_SCHEMA',
      `XML document failed to validate against schema: Unable to validate doc against ${folder}/domain.rng\nElement domain has extra content: novel`,
    );
    assert.equal((error as { errno: number }).errno, 92);
    await rejects(schemas.check('network', '<network><novel/></network>'), 'XML_INVALID_SCHEMA', /network\.rng/);
  });

  it('are not asked about what our own reader refuses', async () => {
    await rejects(schemas.check('domain', '<domain'), 'XML_ERROR', /line 1/);
    await rejects(schemas.check('domain', '<network/>'), 'XML_ERROR', /expecting root element of 'domain'/);
    const bomb = `<!DOCTYPE d [<!ENTITY a SYSTEM "file:///etc/passwd">]>${domain('<title>&a;</title>')}`;
    await rejects(schemas.check('domain', bomb), 'XML_ERROR', /document type or entity declaration/);
  });

  it('say so where they are not installed', async () => {
    await rejects(
      new Schemas(['/nowhere', '/nowhere/else']).check('domain', domain('')),
      'OPERATION_UNSUPPORTED',
      /cannot validate the XML: libvirt's schema domain\.rng is not in \/nowhere, \/nowhere\/else/,
    );
  });

  it('say so where they are broken, and read nothing outside their folder', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'nodevisor-schemas-'));
    try {
      writeFileSync(join(directory, 'network.rng'), '<grammar');
      writeFileSync(
        join(directory, 'domain.rng'),
        `<grammar xmlns="http://relaxng.org/ns/structure/1.0"><include href="${folder}/basictypes.rng"/><start><element name="domain"><empty/></element></start></grammar>`,
      );
      const own = new Schemas([directory]);
      for (const [root, xml] of [
        ['network', '<network/>'],
        ['domain', '<domain/>'],
      ] as const) {
        await rejects(own.check(root, xml), 'INTERNAL_ERROR', new RegExp(`Unable to parse RNG .*${root}\\.rng`));
      }
      own.close();
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

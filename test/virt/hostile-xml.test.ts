/** Every way in for XML, with documents that are made to do harm: refused with a place, whatever they are for. */
import { strict as assert } from 'node:assert';
import { type Connection, connect, NetworkSection, NetworkUpdateCommand, VirtError } from '../../src/index.ts';

/** Documents that nobody may get in, with the place that is named. */
const hostile: Readonly<Record<string, readonly [document: (root: string) => string, line?: number, column?: number]>> =
  {
    'cut off': [(root) => `<${root}>\n  <name`, 2, 3],
    'not closed': [(root) => `<${root}>\n<name>x</name>`],
    'of two roots': [(root) => `<${root}/>\n<${root}/>`],
    'with a document type': [(root) => `<?xml version="1.0"?>\n<!DOCTYPE ${root}>\n<${root}/>`, 2, 1],
    'with an external entity': [
      (root) => `<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>\n<${root}><name>&x;</name></${root}>`,
      1,
      1,
    ],
    'with an entity that grows': [
      (root) =>
        `<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><${root}><name>&b;</name></${root}>`,
      1,
      1,
    ],
    'with an entity that nobody knows': [(root) => `<${root}>\n <name>&nbsp;</name></${root}>`, 2, 8],
    'of 5 MiB': [(root) => `<${root}><name>${'x'.repeat(5 << 20)}</name></${root}>`, 1, 1],
    'of 5 MiB of elements': [(root) => `<${root}>${'<a/>'.repeat((5 << 20) / 4)}</${root}>`, 1, 1],
    'nested a million deep': [(root) => `<${root}>${'<a>'.repeat(1_000_000)}`],
    'with a thousand attributes': [
      (root) => `<${root} ${Array.from({ length: 1000 }, (_, index) => `a${index}=''`).join(' ')}/>`,
      1,
      1,
    ],
    'with NUL': [(root) => `<${root}>\u0000</${root}>`],
    empty: [() => '', 1, 1],
  };

describe('hostile XML', () => {
  let connection: Connection;

  before(async () => {
    connection = await connect('test:///default');
  });
  after(() => connection.close());

  const domain = () => connection.lookupByName('test');
  const pool = () => connection.storagePoolLookupByName('default-pool');
  const network = () => connection.networkLookupByName('default');
  const ways: Readonly<Record<string, readonly [root: string, enter: (xml: string) => Promise<unknown>]>> = {
    defineXML: ['domain', (xml) => connection.defineXML(xml)],
    'defineXML, validated': ['domain', (xml) => connection.defineXML(xml, 1)],
    createXML: ['domain', (xml) => connection.createXML(xml)],
    networkDefineXML: ['network', (xml) => connection.networkDefineXML(xml)],
    networkCreateXML: ['network', (xml) => connection.networkCreateXML(xml)],
    'update of a network': [
      'host',
      async (xml) => (await network()).update(NetworkUpdateCommand.ADD_LAST, NetworkSection.DNS_HOST, -1, xml),
    ],
    storagePoolDefineXML: ['pool', (xml) => connection.storagePoolDefineXML(xml)],
    storagePoolCreateXML: ['pool', (xml) => connection.storagePoolCreateXML(xml)],
    createVolumeXML: ['volume', async (xml) => (await pool()).createVolumeXML(xml)],
    attachDevice: ['disk', async (xml) => (await domain()).attachDevice(xml)],
    detachDevice: ['interface', async (xml) => (await domain()).detachDevice(xml)],
    updateDevice: ['rng', async (xml) => (await domain()).updateDevice(xml)],
    setMetadata: ['app', async (xml) => (await domain()).setMetadata(2, xml || ' ', 'a', 'urn:a')],
  };

  for (const [name, [root, enter]] of Object.entries(ways)) {
    it(`is refused by ${name}, with its place`, async () => {
      for (const [what, [make, line, column]] of Object.entries(hostile)) {
        const error = await enter(make(root)).then(
          () => undefined,
          (thrown: unknown) => thrown,
        );
        assert.ok(error instanceof VirtError, `${what}: ${String(error)}`);
        assert.equal(error.code, 'XML_ERROR', `${what}: ${error.message}`);
        const [, atLine, atColumn] = /\(line (\d+), column (\d+)\)$/.exec(error.message) ?? [];
        assert.ok(Number(atLine) > 0 && Number(atColumn) > 0, `${what}: ${error.message}`);
        if (line !== undefined) assert.deepEqual([Number(atLine), Number(atColumn)], [line, column], what);
        assert.ok(error.message.length < 500, `${what}: the message is not the document`);
      }
    });
  }

  it('has changed nothing', async () => {
    assert.deepEqual(
      [
        await connection.listAllDomains(),
        await connection.listAllNetworks(),
        await connection.listAllStoragePools(),
      ].map(({ length }) => length),
      [1, 1, 1],
    );
  });
});

import { strict as assert } from 'node:assert';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Affect, type Connection, connect, type Domain, DomainXml, VirtError } from '../../../src/index.ts';
import { assetPath } from '../../../src/tools/assets.ts';

/** VIR_DOMAIN_DEVICE_MODIFY_FORCE. */
const FORCE = 4;

describe('media of a running domain', function () {
  this.timeout(60_000);
  let directory: string;
  let connection: Connection;
  let domain: Domain;
  const path = (name: string) => join(directory, name);
  const drive = (source: string, more = '') =>
    `<disk type='file' device='cdrom'>${source}<target dev='sda' bus='scsi'/><readonly/>${more}</disk>`;
  const file = (name: string) => `<source file='${path(name)}'/>`;

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'nodevisor-media-'));
    for (const name of ['one.iso', 'two.iso', 'disk.img']) writeFileSync(path(name), new Uint8Array(8192));
    connection = await connect('nodevisor:///embed');
    domain = await connection.createXML(
      `<domain type='qemu'><name>media</name><memory unit='MiB'>64</memory>
       <os><type arch='riscv64'>hvm</type><kernel>${assetPath('guest/guest.elf')}</kernel><cmdline>shell</cmdline></os>
       <devices>${drive(file('one.iso'))}
       <disk type='file'><source file='${path('disk.img')}'/><target dev='sdb' bus='scsi'/></disk></devices></domain>`,
    );
  });
  afterEach(async () => {
    await domain.destroy();
    await connection.close();
    rmSync(directory, { recursive: true });
  });

  it('are changed, taken out and put in again', async () => {
    const xml = async () => domain.getXMLDesc();
    await domain.updateDevice(drive(file('two.iso')), Affect.LIVE);
    assert.match(await xml(), /two\.iso/);
    // The first one is nobody's any more: another machine could write it.
    await domain.updateDevice(drive(''), Affect.LIVE);
    assert.doesNotMatch(await xml(), /\.iso/);
    await domain.updateDevice(drive(file('one.iso')), Affect.LIVE | FORCE);
    assert.match(await xml(), /one\.iso/);
    assert.match(await xml(), /<address type='drive' controller='0' bus='0' target='0' unit='0'\/>/);
  });

  it('go in and out through a tray, whose moves are told', async () => {
    const moves: [string, string, number][] = [];
    connection.on('trayChange', ({ name }, alias, reason) => moves.push([name, alias, reason]));
    await domain.updateDevice(drive(file('two.iso')), Affect.LIVE);
    const alias = /<target dev='sda'[\s\S]*?<alias name='([^']*)'/.exec(await domain.getXMLDesc())?.[1] ?? 'none';
    assert.deepEqual(moves.splice(0), [
      ['media', alias, 0],
      ['media', alias, 1],
    ]);
    const target = async (flags = 0) => /<target dev='sda'[^>]*>/.exec(await domain.getXMLDesc(flags))?.[0];
    assert.equal(await target(), "<target dev='sda' bus='scsi'/>");
    await domain.updateDevice(drive(''), Affect.LIVE);
    assert.deepEqual(moves.splice(0), [['media', alias, 0]]);
    assert.equal(await target(), "<target dev='sda' bus='scsi' tray='open'/>");
    assert.equal(await target(DomainXml.INACTIVE), "<target dev='sda' bus='scsi'/>");
    await domain.updateDevice(drive(file('one.iso')), Affect.LIVE);
    assert.deepEqual(moves, [['media', alias, 1]]);
    assert.equal(await target(), "<target dev='sda' bus='scsi'/>");
  });

  it('stay as they are when the new one cannot be had', async () => {
    await assert.rejects(
      () => domain.updateDevice(drive(file('missing.iso')), Affect.LIVE),
      (error: unknown) => error instanceof VirtError && /missing\.iso': it does not exist/.test(error.message),
    );
    assert.match(await domain.getXMLDesc(), /one\.iso/);
  });

  it('are all that can be changed of disks', async () => {
    const refused = (xml: string, message: RegExp) =>
      assert.rejects(
        () => domain.updateDevice(xml, Affect.LIVE),
        (error: unknown) =>
          error instanceof VirtError && error.code === 'OPERATION_UNSUPPORTED' && message.test(error.message),
      );
    await refused(drive(file('two.iso'), '<serial>other</serial>'), /cannot modify field 'serial' of disk sda/);
    const disk = `<disk type='file'><source file='${path('two.iso')}'/><target dev='sdb' bus='scsi'/></disk>`;
    await refused(disk, /disk sdb has no medium that can be changed/);
  });
});

import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { pcapngHeader, pcapngPacket } from '../../../src/machine/net/pcapng.ts';
import { VirtError } from '../../../src/util/index.ts';
import type { Backend } from '../../../src/virt/index.ts';
import { ask, askJson, snapshotXml } from './ask.ts';
import { scratchDirectory } from './support.ts';

describe('commands about what the test world lacks', () => {
  const directory = scratchDirectory();

  it('screenshot: writes the picture to a file', async () => {
    const file = join(directory(), 'shot.ppm');
    const { out } = await ask(`screenshot test ${file}`);
    assert.equal(out, `Screenshot saved to ${file}, with type of image/x-portable-pixmap\n`);
    assert.equal(readFileSync(file, 'utf8'), 'picture');
    const { mime } = (await askJson(`screenshot test ${file}`)) as { mime: string };
    assert.equal(mime, 'image/x-portable-pixmap');
  });

  it('edit: goes on without the check of the schema where there is none, and says so', async () => {
    const defined: number[] = [];
    const define: Backend['domainDefineXmlFlags'] = async (_xml, flags) => {
      defined.push(flags);
      if (flags === 0) return { name: 'test', uuid: '', id: -1 };
      throw new VirtError('OPERATION_UNSUPPORTED', 'Operation not supported: cannot validate the XML: no schema');
    };
    const env = { EDITOR: 'sed -i s/8388608/4194304/' };
    const { code, out } = await ask('edit test', 'table', { domainDefineXmlFlags: define }, env);
    assert.deepEqual(defined, [1, 0]);
    assert.equal(code, 0, out);
    assert.match(out, /^warning: .*cannot validate the XML: no schema\nDomain 'test' XML configuration edited\.\n+$/);
  });

  it('domblkstat, nodedev-info: ask drivers that lack a newer call by an older one, or do without', async () => {
    const lacks = async () => {
      throw new VirtError('NO_SUPPORT', 'this function is not supported by the connection driver: virX');
    };
    const blockStats = async () => ({ rdReq: 1n, rdBytes: 2n, wrReq: 3n, wrBytes: 4n, errs: -1n });
    const old = { domainBlockStatsFlags: lacks, domainBlockStats: blockStats };
    const { out } = await ask('domblkstat test vda', 'table', old);
    assert.equal(out, 'vda rd_req 1\nvda rd_bytes 2\nvda wr_req 3\nvda wr_bytes 4\n\n');
    const device = { nodeDeviceIsActive: lacks, nodeDeviceIsPersistent: lacks, nodeDeviceGetAutostart: lacks };
    const info = await ask('nodedev-info computer', 'table', device);
    assert.match(info.out, /Active: +yes\nPersistent: +yes\nAutostart: +no autostart\n/);
  });

  it('vcpuinfo: shows of a domain that is off the vCPUs that it starts with', async () => {
    const getInfo: Backend['domainGetInfo'] = async () => {
      return { state: 5, maxMem: 1n, memory: 1n, nrVirtCpu: 1, cpuTime: 0n };
    };
    const { out } = await ask('destroy test; vcpuinfo test', 'table', { domainGetInfo: getInfo });
    assert.deepEqual(out.match(/VCPU: +\d+/g), ['VCPU:           0']);
  });

  it('send-key: takes names and numbers', async () => {
    const { code, asked } = await ask('send-key test --holdtime 50 KEY_LEFTCTRL KEY_C 0x2f --codeset linux');
    assert.equal(code, 0);
    assert.deepEqual(asked, [['sendKey', 'test', 0, 50, [29, 46, 47]]]);
  });

  it('blockresize: takes KiB unless told otherwise', async () => {
    const { out, asked } = await ask('blockresize test vda 1024; blockresize test vda 2G');
    assert.deepEqual(asked, [
      ['blockResize', 'test', 'vda', 2n ** 20n, 1],
      ['blockResize', 'test', 'vda', 2n ** 31n, 1],
    ]);
    assert.match(out, /^Block device 'vda' is resized\n/);
  });

  it('domifstat: leaves out what is not known, and keeps every digit', async () => {
    const { out } = await ask('domifstat test 52:54:00:DD:EE:FF');
    assert.match(
      out,
      /^testnet0 rx_bytes 1\ntestnet0 rx_packets 2\ntestnet0 rx_errs 3\ntestnet0 tx_bytes 9223372036854775808\n/,
    );
    const stats = (await askJson('domifstat test testnet0')) as Record<string, unknown>;
    assert.equal(stats['rx_bytes'], 1);
    assert.equal(stats['tx_bytes'], '9223372036854775808');
  });

  it('domifaddr: one line for each address', async () => {
    const { out } = await ask('domifaddr test');
    assert.equal(
      out.split('\n').slice(2).join('\n'),
      [
        ' vnet0      52:54:00:00:00:01    ipv4         192.168.122.7/24',
        ' -          -                    ipv6         fe80::1/64',
        '',
        '',
      ].join('\n'),
    );
    const rows = (await askJson('domifaddr test')) as { name: string }[];
    assert.deepEqual(
      rows.map(({ name }) => name),
      ['vnet0', 'vnet0'],
    );
  });

  it('net-dhcp-leases: shows who has which address until when', async () => {
    const { out } = await ask('net-dhcp-leases default');
    assert.match(
      out,
      /^ {1}1970-01-0[12] \d\d:\d\d:\d\d {3}52:54:00:00:00:01 {3}ipv4 {7}192\.168\.122\.7\/24 {3}box {8}-$/m,
    );
    assert.deepEqual(await askJson('net-dhcp-leases default'), [
      {
        expires: '1970-01-02T00:00:00.000Z',
        mac: '52:54:00:00:00:01',
        protocol: 'ipv4',
        address: '192.168.122.7/24',
        hostname: 'box',
        clientId: null,
      },
    ]);
  });

  it('snapshot-*: shows when they were made, and passes flags on', async () => {
    const list = await ask('snapshot-list test --parent');
    assert.match(list.out, /^ Name {3}Creation Time {15}State {5}Parent\n-+\n s1 {5}1970-01-0[12] .* running {3}s0\n/);
    assert.equal((await ask('snapshot-dumpxml test s1')).out, `${snapshotXml}\n\n`);
    const { asked } = await ask('snapshot-revert test s1 --paused --force; snapshot-delete test s1 --children');
    assert.deepEqual(asked, [
      ['revert', 's1', 6],
      ['delete', 's1', 1],
    ]);
    assert.deepEqual(await askJson('snapshot-list test'), [
      { name: 's1', created: '1970-01-02T00:00:00.000Z', state: 'running', parent: 's0' },
    ]);
  });

  it('net-capture: goes into a pipe as it is, from the only interface, for as many packets as wanted', async () => {
    const capture = Buffer.concat([
      pcapngHeader('net0'),
      ...[1, 2, 3].map((mark) => pcapngPacket(Buffer.alloc(60, mark), 1n, 'in')),
    ]);
    const devices: string[] = [];
    let open: Duplex | undefined;
    const answer: Partial<Backend> = {
      async domainCaptureInterface(_domain, device) {
        devices.push(device);
        // In pieces that end anywhere, and without an end.
        open = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
        for (let at = 0; at < capture.length; at += 7) open.push(capture.subarray(at, at + 7));
        return open;
      },
    };
    const piped = await ask('net-capture test --count 2', 'table', answer);
    assert.equal(piped.code, 0);
    assert.deepEqual(devices, ['testnet0']);
    const packet = pcapngPacket(Buffer.alloc(60), 1n, 'in').length;
    assert.equal(piped.out.length, capture.length - packet + '2 packets captured\n'.length);
    assert.equal(open?.destroyed, true, 'the capture has been stopped');
    const file = join(directory(), 'frames');
    const { out } = await ask(`net-capture test testnet0 ${file} --count 1`, 'table', answer);
    assert.equal(out, '1 packet captured\n\n');
    assert.deepEqual(readFileSync(file), capture.subarray(0, capture.length - 2 * packet));
    const refused = await ask('net-capture test', 'json', answer);
    assert.deepEqual(
      [refused.code, refused.out],
      [1, 'error: a capture and JSON cannot both be on standard output: give a file\n'],
    );
    const broken = await ask('net-capture test', 'table', {
      domainCaptureInterface: async () => Duplex.from([Buffer.alloc(64)]),
    });
    assert.match(
      broken.out,
      /^error: Failed to capture interface 'testnet0' of domain 'test'\nerror: .*no part of a capture\n+$/,
    );
  });

  it('detach-device-alias: asks for it by its alias', async () => {
    const { code, asked } = await ask('detach-device-alias test virtio-disk0');
    assert.equal(code, 0);
    assert.deepEqual(asked, [['detach', 'test', 'virtio-disk0', 0]]);
  });
});

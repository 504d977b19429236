import { strict as assert } from 'node:assert';
import { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { runCommands } from '../../../src/tools/cli/virsh/execute.ts';
import { splitLine } from '../../../src/tools/cli/virsh/line.ts';
import { type OutputFormat, Session } from '../../../src/tools/cli/virsh/session.ts';
import { VirtError } from '../../../src/util/index.ts';
import { type Backend, Connection, connect, type DomainRef } from '../../../src/virt/index.ts';
import { scratchDirectory } from './support.ts';

const snapshotXml = `<domainsnapshot>
  <name>s1</name><state>running</state><creationTime>86400</creationTime><parent><name>s0</name></parent>
</domainsnapshot>`;

/** What a backend with screens, networks and snapshots would answer; notes what it was asked. */
function answers(asked: unknown[][]): Partial<Backend> {
  const note =
    (name: string) =>
    async (...args: unknown[]): Promise<void> => {
      asked.push([
        name,
        ...args.map((arg) => (typeof arg === 'object' && arg !== null && 'name' in arg ? arg.name : arg)),
      ]);
    };
  const screenshot = async () => {
    const stream = new PassThrough();
    stream.end('picture');
    return { mime: 'image/x-portable-pixmap', stream };
  };
  const snapshot = (domain: DomainRef) => ({ name: 's1', domain });
  return {
    domainScreenshot: screenshot,
    domainSendKey: note('sendKey'),
    domainBlockResize: note('blockResize'),
    domainInterfaceStats: async () => ({
      rxBytes: 1n,
      rxPackets: 2n,
      rxErrs: 3n,
      rxDrop: -1n,
      txBytes: 2n ** 63n,
      txPackets: 6n,
      txErrs: 7n,
      txDrop: 8n,
    }),
    domainInterfaceAddresses: async () => [
      {
        name: 'vnet0',
        hwaddr: '52:54:00:00:00:01',
        addrs: [
          { type: 0, addr: '192.168.122.7', prefix: 24 },
          { type: 1, addr: 'fe80::1', prefix: 64 },
        ],
      },
    ],
    networkGetDhcpLeases: async () => [
      {
        iface: 'virbr0',
        expirytime: 86_400n,
        type: 0,
        mac: '52:54:00:00:00:01',
        ipaddr: '192.168.122.7',
        prefix: 24,
        hostname: 'box',
      },
    ],
    domainListAllSnapshots: async (domain) => [snapshot(domain)],
    domainSnapshotLookupByName: async (domain) => snapshot(domain),
    domainSnapshotCreateXml: async (domain) => snapshot(domain),
    domainSnapshotGetXmlDesc: async () => snapshotXml,
    domainRevertToSnapshot: note('revert'),
    domainSnapshotDelete: note('delete'),
    domainDetachDeviceAlias: note('detach'),
  };
}

/** Runs a line over `test:///default` with other answers to some questions. */
async function ask(line: string, format: OutputFormat = 'table', more: Partial<Backend> = {}, env = {}) {
  const asked: unknown[][] = [];
  let out = '';
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      out += chunk.toString();
      done();
    },
  });
  const context = { stdin: new PassThrough(), stdout: sink, stderr: sink, env, events: new EventEmitter() };
  const session = new Session(context, {
    uri: 'test:///default',
    format,
    connect: async (uri) => {
      const { backend } = await connect(uri);
      const given = { ...answers(asked), ...more };
      // Methods use private fields of the real one: they are called on it.
      const mixed = new Proxy(backend, {
        get: (target, key) => {
          const value: unknown = given[key as keyof Backend] ?? Reflect.get(target, key);
          return typeof value === 'function' ? value.bind(target) : value;
        },
      });
      return new Connection(mixed);
    },
  });
  try {
    const code = await runCommands(splitLine(line), session);
    return { code, out, asked };
  } finally {
    await session.close();
  }
}

async function askJson(line: string): Promise<unknown> {
  const { code, out } = await ask(line, 'json');
  assert.equal(code, 0, out);
  return JSON.parse(out);
}

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

  it('snapshot-*: lists, shows, creates, reverts to and deletes', async () => {
    const list = await ask('snapshot-list test --parent');
    assert.match(list.out, /^ Name {3}Creation Time {15}State {5}Parent\n-+\n s1 {5}1970-01-0[12] .* running {3}s0\n/);
    assert.match(
      (await ask('snapshot-info test s1')).out,
      /^Name: {11}s1\nDomain: {9}test\nCreated: .*\nState: {10}running\n/,
    );
    assert.equal((await ask('snapshot-dumpxml test s1')).out, `${snapshotXml}\n\n`);
    assert.equal((await ask('snapshot-create test')).out, 'Domain snapshot s1 created\n');
    const { asked } = await ask('snapshot-revert test s1 --paused --force; snapshot-delete test s1 --children');
    assert.deepEqual(asked, [
      ['revert', 's1', 6],
      ['delete', 's1', 1],
    ]);
    assert.deepEqual(await askJson('snapshot-list test'), [
      { name: 's1', created: '1970-01-02T00:00:00.000Z', state: 'running', parent: 's0' },
    ]);
    for (const line of ['info test s1', 'revert test s1', 'delete test s1', 'create test', 'dumpxml test s1']) {
      assert.ok(await askJson(`snapshot-${line}`), line);
    }
  });

  it('detach-device-alias: asks for it by its alias', async () => {
    const { code, asked } = await ask('detach-device-alias test virtio-disk0');
    assert.equal(code, 0);
    assert.deepEqual(asked, [['detach', 'test', 'virtio-disk0', 0]]);
  });
});

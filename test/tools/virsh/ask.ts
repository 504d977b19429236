import { strict as assert } from 'node:assert';
import { EventEmitter } from 'node:events';
import { PassThrough, Writable } from 'node:stream';
import { runCommands } from '../../../src/tools/cli/virsh/execute.ts';
import { splitLine } from '../../../src/tools/cli/virsh/line.ts';
import { type OutputFormat, Session } from '../../../src/tools/cli/virsh/session.ts';
import { type Backend, Connection, connect, type DomainRef } from '../../../src/virt/index.ts';

/** A snapshot as the answers describe it. */
export const snapshotXml = `<domainsnapshot>
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

/** Runs a line over `test:///default` with other answers to some questions. @returns all that it writes, to either end */
export async function ask(
  line: string,
  format: OutputFormat = 'table',
  more: Partial<Backend> = {},
  env: NodeJS.ProcessEnv = {},
): Promise<{ code: number; out: string; asked: unknown[][] }> {
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

/** What a command shows as JSON with those answers. */
export async function askJson(line: string): Promise<unknown> {
  const { code, out } = await ask(line, 'json');
  assert.equal(code, 0, out);
  return JSON.parse(out);
}

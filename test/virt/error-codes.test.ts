/** Every error code that the sources name, raised on purpose: a code that nobody can meet is none. */
import { strict as assert } from 'node:assert';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Context } from 'mocha';
import { createSharedMemory } from '../../src/hypervisor/shared-memory.ts';
import { type Connection, connect, type VirErrorName, VirErrorNumber, VirtError } from '../../src/index.ts';
import { LocalInterfaces } from '../../src/virt/local/host-objects.ts';
import { DirectoryStore } from '../../src/virt/local/state-store.ts';
import type { World } from '../../src/virt/local/world.ts';
import { MachineLink } from '../../src/virt/process/machine-link.ts';
import { authenticate } from '../../src/virt/rpc/client/authenticate.ts';
import { serveSession } from '../../src/virt/rpc/server/session.ts';
import { missing } from '../support/need-tool.ts';

const source = new URL('../../src/', import.meta.url);

/** Codes that stand in the sources, but for the tables of them. */
function namedCodes(): Set<string> {
  const tables = ['util/errors.ts', 'virt/errors.ts'];
  const found = new Set<string>();
  for (const name of readdirSync(source, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.ts') || tables.includes(name)) continue;
    const text = readFileSync(new URL(name, source), 'utf8');
    for (const [, word = ''] of text.matchAll(/'([A-Z][A-Z_]+)'/g)) if (word in VirErrorNumber) found.add(word);
  }
  return found;
}

const domainXml = (more = '', type = 'test') =>
  `<domain type='${type}'><name>new</name><memory>32768</memory><os><type arch='riscv64' machine='virt'>hvm</type></os>${more}</domain>`;

/** A directory that is gone after `use`. */
async function inDirectory(use: (path: string) => Promise<unknown>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'nodevisor-codes-'));
  try {
    await use(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const lookUp = { uuid: '99999999-9999-4999-8999-999999999999' };

/** How to meet each code, given a connection to the test world. */
const ways: { readonly [C in VirErrorName]?: (connection: Connection, test: Context) => Promise<unknown> } = {
  INTERNAL_ERROR: async (connection) => (await connection.lookupByName('test')).openConsole('none'),
  NO_MEMORY: async () => {
    const { WebAssembly } = globalThis as unknown as { WebAssembly: { Memory: unknown } };
    const { Memory } = WebAssembly;
    WebAssembly.Memory = class {
      constructor() {
        throw new RangeError('WebAssembly.Memory(): could not allocate memory');
      }
    };
    try {
      createSharedMemory({ ramBytes: 4096 });
    } finally {
      WebAssembly.Memory = Memory;
    }
  },
  NO_SUPPORT: (connection) => connection.compareCPU('<cpu/>'),
  NO_CONNECT: () => connect('test:///other'),
  INVALID_CONN: async () => {
    const connection = await connect('test:///default');
    await connection.close();
    await connection.getHostname();
  },
  INVALID_ARG: () => connect('nonsense'),
  OPERATION_FAILED: (connection) =>
    connection.defineXML(domainXml(`<uuid>${lookUp.uuid}</uuid>`).replace('new', 'test')),
  XML_ERROR: (connection) => connection.defineXML('<domain'),
  OPERATION_DENIED: async () => {
    const connection = await connect('test:///default', { readOnly: true });
    try {
      await connection.defineXML(domainXml());
    } finally {
      await connection.close();
    }
  },
  SYSTEM_ERROR: async () => {
    const connection = await connect('nodevisor:///embed');
    try {
      const disk = "<devices><disk><source file='/nowhere/disk'/><target dev='vda'/></disk></devices>";
      await (await connection.defineXML(domainXml(disk, 'qemu'))).getBlockInfo('vda');
    } finally {
      await connection.close();
    }
  },
  RPC: async () => serveSession({} as never, -1, []),
  NO_DOMAIN: (connection) => connection.lookupByName('none'),
  NO_NETWORK: (connection) => connection.networkLookupByName('none'),
  AUTH_FAILED: () => authenticate(async () => [1]),
  NO_STORAGE_POOL: (connection) => connection.storagePoolLookupByName('none'),
  NO_STORAGE_VOL: (connection) => connection.storageVolLookupByPath('/none'),
  NO_NODE_DEVICE: (connection) => connection.nodeDeviceLookupByName('none'),
  OPERATION_INVALID: async (connection) => (await connection.lookupByName('test')).create(),
  NO_INTERFACE: (connection) => connection.interfaceLookupByName('none'),
  MULTIPLE_INTERFACES: () => {
    const twin = (name: string) => ({ name, mac: '02:00:00:00:00:01', addresses: [] });
    const hypervisor = { hostInterfaces: () => [twin('a'), twin('b')] };
    return new LocalInterfaces({ hypervisor } as unknown as World).interfaceLookupByMacString('02:00:00:00:00:01');
  },
  NO_NWFILTER: (connection) => connection.nwfilterLookupByName('none'),
  NO_SECRET: (connection) => connection.secretLookupByUUID(lookUp.uuid),
  CONFIG_UNSUPPORTED: (connection) => connection.defineXML(domainXml('', 'xen')),
  OPERATION_TIMEOUT: () =>
    inDirectory(async (directory) => {
      const path = join(directory, 'socket');
      const sockets: Socket[] = [];
      const server = createServer((socket) => sockets.push(socket)).listen(path);
      await new Promise((resolve) => server.once('listening', resolve));
      const link = await MachineLink.open(path);
      try {
        await link.hello(1);
      } finally {
        link.close();
        for (const socket of sockets) socket.destroy();
        await new Promise((resolve) => server.close(resolve));
      }
    }),
  NO_DOMAIN_SNAPSHOT: async (connection) => (await connection.lookupByName('test')).snapshotLookupByName('none'),
  ARGUMENT_UNSUPPORTED: async (connection) => (await connection.lookupByName('test')).getHostname(),
  NO_HOSTNAME: async (connection) => (await connection.lookupByName('test')).getHostname(1),
  NO_DOMAIN_METADATA: async (connection) => (await connection.lookupByName('test')).getMetadata(0),
  OVERFLOW: async (connection) => (await connection.lookupByName('test')).blockResize('vda', 2n ** 60n),
  OPERATION_UNSUPPORTED: async (connection) => (await connection.lookupByName('test')).screenshot(),
  RESOURCE_BUSY: () =>
    inDirectory(async (directory) => {
      const store = await DirectoryStore.open(directory);
      try {
        await DirectoryStore.open(directory);
      } finally {
        await store.close();
      }
    }),
  STORAGE_VOL_EXIST: async (connection) => {
    const pool = await connection.storagePoolLookupByName('default-pool');
    const volume = { name: 'twice', capacity: 4096 };
    await pool.createVolume(volume);
    await pool.createVolume(volume);
  },
  XML_INVALID_SCHEMA: (connection, test) => {
    const folder = '/usr/share/libvirt/schemas';
    if (!existsSync(folder)) missing(test, `${folder} is missing (Debian package libvirt0)`);
    return connection.defineXML(domainXml('<novel/>'), 1);
  },
  NO_NETWORK_PORT: async () => {
    const connection = await connect('nodevisor:///embed');
    try {
      const network = await connection.networkCreateXML('<network><name>ports</name></network>');
      await network.portLookupByUUID(lookUp.uuid);
    } finally {
      await connection.close();
    }
  },
  DEVICE_MISSING: async (connection) => (await connection.lookupByName('test')).detachDeviceAlias('none'),
};

describe('error codes', () => {
  let connection: Connection;

  beforeEach(async () => {
    connection = await connect('test:///default');
  });
  afterEach(() => connection.close());

  it('that the sources name can all be met', () => {
    const named = namedCodes();
    assert.ok(named.size > 25, `only ${named.size} are named`);
    assert.deepEqual(
      [...named].filter((code) => ways[code as VirErrorName] === undefined),
      [],
    );
    assert.deepEqual(
      Object.keys(ways).filter((code) => !named.has(code)),
      [],
    );
  });

  for (const [code, way] of Object.entries(ways)) {
    it(`${code} is met`, async function () {
      const error = await way(connection, this).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      assert.ok(error instanceof VirtError, `${code}: ${String(error)}`);
      assert.equal(error.code, code, error.message);
      assert.equal(error.errno, VirErrorNumber[code as VirErrorName]);
      assert.ok(error.message.length > 0);
    });
  }
});

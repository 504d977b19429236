import { strict as assert } from 'node:assert';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Connection, connect, DomainXml, type Logger } from '../../src/index.ts';
import { assetPath } from '../../src/tools/assets.ts';
import { rejects } from './backend-contract.ts';

const guestElf = assetPath('guest/guest.elf');
const domainXml = (name: string, more = '') =>
  `<domain type='qemu'><name>${name}</name><memory unit='MiB'>32</memory><os><type arch='riscv64' machine='virt'>hvm</type>
   <kernel>${guestElf}</kernel><cmdline>shell</cmdline></os>${more}<devices><console type='pty'/></devices></domain>`;

describe('nodevisor:///embed?state=DIR', function () {
  this.timeout(60_000);
  let directory: string;
  let uri: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'nodevisor-state-'));
    uri = `nodevisor:///embed?state=${encodeURIComponent(join(directory, 'state'))}`;
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  async function using<T>(use: (connection: Connection) => Promise<T>, logger?: Logger): Promise<T> {
    const connection = await connect(uri, logger === undefined ? {} : { logger });
    try {
      return await use(connection);
    } finally {
      await connection.close();
    }
  }
  const files = (kind: string) => readdirSync(join(directory, 'state', kind));

  it('keeps definitions, names, metadata and autostart, and forgets what is undefined', async () => {
    const pool = join(directory, 'pool');
    mkdirSync(pool);
    const kept = await using(async (connection) => {
      const domain = await connection.defineXML(domainXml('first', '<title>kept</title>'));
      await domain.rename('renamed');
      await domain.setVcpus(2, 6);
      await (await connection.defineXML(domainXml('gone'))).undefine();
      await connection.createXML(domainXml('fleeting'));
      const network = await connection.defineNetwork({ name: 'net', ips: [] });
      await network.setAutostart(true);
      const storage = await connection.defineStoragePool({ type: 'dir', name: 'pool', target: { path: pool } });
      await storage.setAutostart(true);
      return { xml: await domain.getXMLDesc(DomainXml.INACTIVE), network: await network.getXMLDesc() };
    });
    await using(async (connection) => {
      assert.deepEqual(
        (await connection.listAllDomains()).map(({ name }) => name),
        ['renamed'],
      );
      const domain = await connection.lookupByName('renamed');
      assert.equal(await domain.getXMLDesc(DomainXml.INACTIVE), kept.xml);
      assert.equal(await domain.getAutostart(), false);
      const network = await connection.networkLookupByName('net');
      assert.deepEqual([await network.getXMLDesc(), await network.getAutostart()], [kept.network, true]);
      assert.equal(await (await connection.storagePoolLookupByName('pool')).isActive(), true);
      await domain.undefine();
      await network.undefine();
    });
    assert.deepEqual([files('domains'), files('networks'), files('pools').length], [[], [], 2]);
  });

  it('starts at open what starts by itself; what cannot start stops nothing', async () => {
    await using(async (connection) => {
      await (await connection.defineXML(domainXml('good'))).setAutostart(true);
      const bad = domainXml('bad').replace(guestElf, '/nowhere');
      await (await connection.defineXML(bad)).setAutostart(true);
      await connection.defineXML(domainXml('off'));
    });
    const logged: string[] = [];
    await using(
      async (connection) => {
        const active = await Promise.all((await connection.listAllDomains()).map((one) => one.isActive()));
        assert.deepEqual(active.filter(Boolean).length, 1);
        assert.equal(await (await connection.lookupByName('good')).isActive(), true);
        assert.match(
          (await (await connection.lookupByName('bad')).getMessages()).join(),
          /autostart failed: .*nowhere/,
        );
      },
      { log: (_level, message) => logged.push(message) },
    );
    assert.ok(logged.some((message) => message.includes("cannot start domain 'bad'")));
  });

  it('passes over a file that cannot be read, and says so', async () => {
    await using(async (connection) => {
      await connection.defineXML(domainXml('good'));
    });
    writeFileSync(join(directory, 'state', 'domains', '00000000-0000-4000-8000-000000000000.xml'), '<domain');
    writeFileSync(join(directory, 'state', 'domains', 'notes.txt'), 'not ours');
    const logged: string[] = [];
    await using(async (connection) => assert.equal((await connection.listAllDomains()).length, 1), {
      log: (_level, message) => logged.push(message),
    });
    assert.equal(logged.length, 1);
  });

  it('is one world for all connections of a process, by whichever path', async () => {
    await using(async (connection) => {
      const other = await connect(`nodevisor:///embed?state=${directory}/./state/../state/`);
      await other.defineXML(domainXml('shared'));
      await other.close();
      assert.equal((await connection.lookupByName('shared')).name, 'shared');
    });
  });

  it('takes a state directory that is a place, and no parameter that it does not know', async () => {
    writeFileSync(join(directory, 'file'), '');
    await assert.rejects(connect(`nodevisor:///embed?state=${directory}/file`), { code: 'SYSTEM_ERROR' });
    await assert.rejects(connect('nodevisor:///embed?state='), { code: 'INVALID_ARG' });
    await assert.rejects(connect('nodevisor:///embed?stat=x'), {
      code: 'INVALID_ARG',
      message: /unknown parameter 'stat'/,
    });
  });

  describe('beside another process', () => {
    let child: ChildProcess;

    afterEach(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const end = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await end;
    });

    /** Starts a process that defines domains one after another; calls back with each name when it is defined. */
    async function startDefining(onDefined: (name: string) => void): Promise<void> {
      const script = fileURLToPath(new URL('./define-forever.ts', import.meta.url));
      child = spawn(process.execPath, ['--import', 'tsx', script, uri], { stdio: ['ignore', 'pipe', 'inherit'] });
      const lines = createInterface({ input: child.stdout as NonNullable<typeof child.stdout> });
      await new Promise<void>((resolve) => {
        lines.on('line', (name) => {
          onDefined(name);
          resolve();
        });
      });
    }

    it('is refused while that uses the directory, and has all it defined once it is killed', async () => {
      const defined: string[] = [];
      await startDefining((name) => defined.push(name));
      await assert.rejects(connect(uri), { code: 'RESOURCE_BUSY', message: /in use by another process/ });
      while (defined.length < 30) await setTimeout(5);
      const end = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await end;
      await using(async (connection) => {
        const found = new Set((await connection.listAllDomains()).map(({ name }) => name));
        for (const name of defined) assert.ok(found.has(name), `${name} was defined before the kill`);
        assert.ok(found.size <= defined.length + 1, `${found.size} are there, ${defined.length} were told of`);
      });
      assert.deepEqual(
        files('domains').filter((name) => !name.endsWith('.xml')),
        [],
      );
    });
  });
});

describe('connection errors', () => {
  it('name URIs that are none, and those that nothing answers to', async () => {
    await assert.rejects(connect('nonsense'), { code: 'INVALID_ARG', message: /is no connection URI/ });
    await assert.rejects(connect('nodevisor:///embed%zz'), { code: 'INVALID_ARG', message: /escape/ });
    for (const uri of ['nodevisor:///other', 'test:///other']) {
      await assert.rejects(connect(uri), { code: 'NO_CONNECT', message: `no connection driver available for ${uri}` });
    }
  });

  it('tell a read-only connection that it may not', async () => {
    const connection = await connect('test:///default', { readOnly: true });
    try {
      const domain = await connection.lookupByName('test');
      await domain.getXMLDesc();
      await domain.getInfo();
      await connection.getAllDomainStats();
      await connection.listAllStoragePools();
      const denied = [
        () => domain.destroy(),
        () => domain.getXMLDesc(DomainXml.SECURE),
        () => domain.openConsole(),
        () => domain.screenshot(),
        () => domain.setAutostart(true),
        () => domain.rename('x'),
        () => connection.defineXML('<domain/>'),
        () => connection.createXML('<domain/>'),
        () => connection.networkDefineXML('<network/>'),
        () => connection.storagePoolCreateXML('<pool/>'),
      ];
      for (const call of denied)
        await rejects(call(), 'OPERATION_DENIED', /^operation forbidden: read only access prevents /);
    } finally {
      await connection.close();
    }
  });
});

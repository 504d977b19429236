/** Networks, storage pools and volumes. */
import { strict as assert } from 'node:assert';
import {
  Affect,
  type Domain,
  DomainStats,
  DomainXml,
  ListObjects,
  type Network,
  NetworkEvent,
  NetworkSection,
  NetworkUpdateCommand,
  PoolEvent,
  PoolState,
  VolumeResize,
  VolumeType,
  VolumeWipe,
} from '../../../src/index.ts';
import { type Bench, rejects, until, uuids } from './bench.ts';

/** The interface of a running domain is a port of its network, and goes with it alone. */
async function hasPort(network: Network, domain: Domain): Promise<void> {
  const portid = / portid=['"]([-0-9a-f]{36})['"]/.exec(await domain.getXMLDesc())?.[1] ?? '';
  const ports = await network.listAllPorts();
  assert.deepEqual(
    ports.map((port) => port.uuid),
    [portid],
  );
  const port = await network.portLookupByUUID(portid);
  assert.equal(
    await port.getXMLDesc(),
    `<networkport>
  <uuid>${portid}</uuid>
  <owner>
    <name>one</name>
    <uuid>${domain.uuid}</uuid>
  </owner>
  <mac address='52:54:00:00:00:01'/>
  <plug type='network' bridge='${await network.getBridgeName()}'/>
</networkport>
`,
  );
  assert.deepEqual(await port.getParameters(), []);
  await rejects(port.setParameters([]), 'OPERATION_UNSUPPORTED', /limits/);
  await rejects(port.delete(), 'OPERATION_UNSUPPORTED', /domain 'one' is plugged in/);
  await rejects(network.portCreateXML('<networkport/>'), 'OPERATION_UNSUPPORTED', /domains that start/);
  const none = '99999999-9999-4999-8999-999999999999';
  await rejects(network.portLookupByUUID(none), 'NO_NETWORK_PORT', /UUID 99999999-.* does not exist/);
}

/** @param current the bench of the test that runs */
export function describeResources(current: () => Bench): void {
  let bench: Bench;
  beforeEach(() => {
    bench = current();
  });

  describe('networks', () => {
    const network = (name: string) =>
      `<network><name>${name}</name><forward mode='nat'/><ip address='10.0.0.1' netmask='255.255.255.0'><dhcp><range start='10.0.0.2' end='10.0.0.9'/></dhcp></ip></network>`;

    it('have a life cycle with events', async () => {
      const seen: string[] = [];
      bench.connection.on('network', (one, event) => seen.push(`${one.name} ${event}`));
      const one = await bench.connection.networkDefineXML(network('n1'));
      assert.deepEqual(
        [await one.isActive(), await one.isPersistent(), await one.getAutostart()],
        [false, true, false],
      );
      assert.match(await one.getBridgeName(), /^virbr\d+$/);
      assert.equal((await bench.connection.networkLookupByName('n1')).uuid, one.uuid);
      await one.setAutostart(true);
      assert.equal(await one.getAutostart(), true);
      await rejects(one.destroy(), 'OPERATION_INVALID', "Requested operation is not valid: network 'n1' is not active");
      await rejects(one.getDHCPLeases(), 'OPERATION_INVALID', /not active/);
      if (bench.subject.networksStart) {
        await one.create();
        assert.deepEqual(await one.getDHCPLeases(), []);
        await rejects(one.create(), 'OPERATION_INVALID', 'Requested operation is not valid: network is already active');
        await one.destroy();
        await (await bench.connection.networkCreateXML(network('n2'))).destroy();
        await rejects(
          bench.connection.networkLookupByName('n2'),
          'NO_NETWORK',
          "Network not found: no network with matching name 'n2'",
        );
      } else {
        await rejects(one.create(), 'OPERATION_UNSUPPORTED', /network 'n1' cannot start/);
        await rejects(bench.connection.networkCreateXML(network('n2')), 'OPERATION_UNSUPPORTED', /cannot start/);
      }
      await one.undefine();
      await rejects(bench.connection.networkLookupByUUID(one.uuid), 'NO_NETWORK', /Network not found/);
      const { DEFINED, STARTED, STOPPED, UNDEFINED } = NetworkEvent;
      const started = [`n1 ${STARTED}`, `n1 ${STOPPED}`, `n2 ${STARTED}`, `n2 ${STOPPED}`];
      assert.deepEqual(seen, [`n1 ${DEFINED}`, ...(bench.subject.networksStart ? started : []), `n1 ${UNDEFINED}`]);
    });

    it('are listed with flags whose bits are the other way round', async () => {
      const { name } = await bench.connection.networkDefineXML(network('n1'));
      const list = async (flags: number) =>
        (await bench.connection.listAllNetworks(flags)).some((one) => one.name === name);
      assert.equal(await list(ListObjects.INACTIVE), true);
      assert.equal(await list(ListObjects.ACTIVE), false);
      assert.equal(await list(ListObjects.AUTOSTART), false);
    });

    it('keep names and UUIDs unique: a definition without a UUID is a new one', async () => {
      const one = await bench.connection.networkDefineXML(network('n1'));
      const clash = network('n1').replace('</name>', `</name><uuid>${uuids.two}</uuid>`);
      for (const xml of [clash, network('n1')]) {
        await rejects(
          bench.connection.networkDefineXML(xml),
          'OPERATION_FAILED',
          `operation failed: network 'n1' already exists with uuid ${one.uuid}`,
        );
      }
      assert.equal((await bench.connection.networkDefineXML(await one.getXMLDesc())).uuid, one.uuid);
      const second = await bench.connection.networkDefineXML(network('n3'));
      assert.notEqual(await second.getBridgeName(), await one.getBridgeName());
    });

    it('are refused by name, when they start, for what takes privileges', async () => {
      const routed = network('n1').replace("'nat'", "'route'");
      const one = await bench.connection.networkDefineXML(routed);
      if (bench.subject.hotplugs) return one.create();
      await rejects(one.create(), 'CONFIG_UNSUPPORTED', /unsupported configuration: .*forward mode 'route'/);
      assert.equal(await one.isActive(), false);
    });

    it('are updated in part', async () => {
      const one = await bench.connection.networkDefineXML(network('n1'));
      const host = "<host mac='52:54:00:00:00:01' ip='10.0.0.5'/>";
      const { ADD_LAST, DELETE, MODIFY } = NetworkUpdateCommand;
      await one.update(ADD_LAST, NetworkSection.IP_DHCP_HOST, -1, host, Affect.CONFIG);
      await rejects(
        one.update(ADD_LAST, NetworkSection.IP_DHCP_HOST, -1, host),
        'OPERATION_INVALID',
        /existing dhcp host entry/,
      );
      await one.update(MODIFY, NetworkSection.IP_DHCP_HOST, -1, host.replace('0.5', '0.6'));
      assert.match(await one.getXMLDesc(), /10\.0\.0\.6/);
      await one.update(DELETE, NetworkSection.IP_DHCP_HOST, -1, host);
      assert.doesNotMatch(await one.getXMLDesc(), /52:54:00:00:00:01/);
      await one.update(ADD_LAST, NetworkSection.DNS_HOST, -1, "<host ip='10.0.0.7'><hostname>seven</hostname></host>");
      assert.match(await one.getXMLDesc(), /<hostname>seven<\/hostname>/);
      for (const [section, record, kind] of [
        [NetworkSection.DNS_TXT, "<txt name='seven' value='a text'/>", 'TXT'],
        [NetworkSection.DNS_SRV, "<srv service='ldap' protocol='tcp' target='seven' port='389'/>", 'SRV'],
      ] as const) {
        await one.update(ADD_LAST, section, -1, record);
        assert.ok((await one.getXMLDesc()).includes(record));
        await rejects(one.update(ADD_LAST, section, -1, record), 'OPERATION_INVALID', new RegExp(`DNS ${kind} record`));
        await rejects(one.update(MODIFY, section, -1, record), 'OPERATION_INVALID', /cannot be modified/);
        await one.update(DELETE, section, -1, record);
        assert.ok(!(await one.getXMLDesc()).includes(record));
      }
      await rejects(one.update(ADD_LAST, NetworkSection.BRIDGE, -1, '<bridge/>'), 'OPERATION_UNSUPPORTED', /BRIDGE/);
      await rejects(one.update(9, NetworkSection.IP, -1, '<ip/>'), 'INVALID_ARG', /unknown network update command/);
    });

    it('are joined by the interfaces of running domains', async () => {
      const nic = (inner = '') =>
        `<interface type='network'><mac address='52:54:00:00:00:01'/><source network='n1'/>${inner}</interface>`;
      const domain = await bench.connection.defineXML(bench.xml('one', { devices: nic() }));
      const isReal = !bench.subject.hotplugs;
      if (isReal) await rejects(domain.create(), 'NO_NETWORK', /no network with matching name 'n1'/);
      const one = await bench.connection.networkDefineXML(network('n1'));
      if (isReal) await rejects(domain.create(), 'OPERATION_INVALID', /network 'n1' is not active/);
      await one.create();
      await domain.create();
      assert.match(await domain.getXMLDesc(), /<target dev=['"]vnet0['"]\/>/);
      assert.doesNotMatch(await domain.getXMLDesc(DomainXml.INACTIVE), /<target|bridge=|portid=/);
      if (bench.subject.domainType !== 'test') await hasPort(one, domain);
      assert.match(await one.getXMLDesc(), /<network connections=['"]1['"]>/);
      assert.equal((await domain.interfaceStats('vnet0')).rxErrs, 0n);
      assert.equal((await domain.interfaceStats('52:54:00:00:00:01')).txErrs, 0n);
      await rejects(domain.interfaceStats('vnet9'), 'INVALID_ARG', /'vnet9' is not a known interface/);
      const [stats] = await bench.connection.getAllDomainStats(DomainStats.INTERFACE);
      const fields = new Map(stats?.params.map(({ field, value }) => [field, value]));
      assert.deepEqual([fields.get('net.count'), fields.get('net.0.name')], [1, 'vnet0']);
      assert.equal(typeof fields.get('net.0.rx.bytes'), 'bigint');
      for (const source of [0, 2]) assert.deepEqual(await domain.interfaceAddresses(source), []);
      await rejects(domain.getHostname(1), 'NO_HOSTNAME', /no hostname found/);
      await domain.updateDevice(nic("<link state='down'/>"));
      assert.match(await domain.getXMLDesc(), /<link state=['"]down['"]\/>/);
      if (isReal) {
        const other = nic("<model type='e1000'/>");
        await rejects(domain.updateDevice(other), 'OPERATION_UNSUPPORTED', /cannot modify network device model/);
      }
      await one.destroy();
      assert.equal(await domain.isActive(), true);
      await domain.destroy();
      if (bench.subject.domainType !== 'test') {
        await rejects(one.listAllPorts(), 'OPERATION_INVALID', /network 'n1' is not active/);
        await one.create();
        assert.deepEqual(await one.listAllPorts(), []);
        await one.destroy();
      }
    });

    it('take and give plain objects', async () => {
      const one = await bench.connection.defineNetwork({ name: 'plain', ips: [{ address: '10.1.0.1', prefix: 24 }] });
      assert.equal((await one.getDef()).ips[0]?.address, '10.1.0.1');
    });
  });

  describe('storage', () => {
    const pool = (name: string) =>
      `<pool type='dir'><name>${name}</name><target><path>${bench.subject.poolPath}</path></target></pool>`;
    const volume = (name: string, size = 65_536) => `<volume><name>${name}</name><capacity>${size}</capacity></volume>`;

    it('pools have a life cycle with events', async () => {
      const seen: number[] = [];
      bench.connection.on('pool', (_pool, event) => seen.push(event));
      bench.connection.on('poolRefresh', () => seen.push(-1));
      const one = await bench.connection.storagePoolDefineXML(pool('p1'));
      assert.equal((await one.getInfo()).state, PoolState.INACTIVE);
      await rejects(
        one.listAllVolumes(),
        'OPERATION_INVALID',
        "Requested operation is not valid: storage pool 'p1' is not active",
      );
      await one.build();
      await one.create();
      await rejects(
        one.create(),
        'OPERATION_INVALID',
        "Requested operation is not valid: storage pool 'p1' is already active",
      );
      await rejects(
        one.undefine(),
        'OPERATION_INVALID',
        "Requested operation is not valid: storage pool 'p1' is still active",
      );
      const info = await one.getInfo();
      assert.ok(info.state === PoolState.RUNNING && info.capacity > 0n && info.available > 0n);
      await one.refresh();
      assert.equal((await bench.connection.storagePoolLookupByTargetPath(`${bench.subject.poolPath}/`)).name, 'p1');
      assert.deepEqual([await one.isActive(), await one.isPersistent(), await one.getAutostart()], [true, true, false]);
      await one.setAutostart(true);
      assert.equal((await bench.connection.listAllStoragePools(ListObjects.AUTOSTART)).length, 1);
      assert.equal((await bench.connection.storagePoolLookupByUUID(one.uuid)).name, 'p1');
      await one.destroy();
      await one.delete();
      await one.undefine();
      await rejects(
        bench.connection.storagePoolLookupByName('p1'),
        'NO_STORAGE_POOL',
        "Storage pool not found: no storage pool with matching name 'p1'",
      );
      const { DEFINED, CREATED, STARTED, STOPPED, DELETED, UNDEFINED } = PoolEvent;
      assert.deepEqual(seen, [DEFINED, CREATED, STARTED, -1, STOPPED, DELETED, UNDEFINED]);
    });

    it('pools are at different places', async () => {
      await bench.connection.storagePoolDefineXML(pool('p1'));
      await rejects(
        bench.connection.storagePoolDefineXML(pool('p2')),
        'OPERATION_FAILED',
        "operation failed: Storage source conflict with pool: 'p1'",
      );
      await rejects(
        bench.connection.storagePoolDefineXML(pool('p3').replace("'dir'", "'rbd'")),
        'CONFIG_UNSUPPORTED',
        /rbd/,
      );
      assert.equal((await bench.connection.listAllStoragePools(ListObjects.INACTIVE)).length, 1);
    });

    it('volumes are created, found, resized, wiped and deleted', async () => {
      const one = await bench.connection.storagePoolCreateXML(pool('p1'), 1);
      const vol = await one.createVolumeXML(volume('v1.raw'));
      assert.equal(await vol.getPath(), `${bench.subject.poolPath}/v1.raw`);
      assert.equal(vol.key, await vol.getPath());
      await rejects(
        one.createVolumeXML(volume('v1.raw')),
        'STORAGE_VOL_EXIST',
        "storage volume 'v1.raw' exists already",
      );
      assert.deepEqual(
        (await one.listAllVolumes()).map(({ name }) => name),
        ['v1.raw'],
      );
      assert.equal((await bench.connection.storageVolLookupByPath(vol.key)).name, 'v1.raw');
      assert.equal((await bench.connection.storageVolLookupByKey(vol.key)).pool, 'p1');
      assert.equal((await bench.connection.storagePoolLookupByVolume(vol)).name, 'p1');
      assert.equal((await one.lookupVolumeByName('v1.raw')).key, vol.key);
      await rejects(one.lookupVolumeByName('v2'), 'NO_STORAGE_VOL', /no storage vol with matching name 'v2'/);
      assert.match(await vol.getXMLDesc(), /<format type='raw'\/>/);
      await vol.resize(131_072n);
      await vol.resize(1024n, VolumeResize.DELTA);
      assert.equal((await vol.getInfo()).capacity, 132_096n);
      await rejects(vol.resize(512n), 'INVALID_ARG', /shrink/);
      await vol.resize(512n, VolumeResize.SHRINK);
      assert.equal((await vol.getInfo()).type, VolumeType.FILE);
      await vol.wipe();
      await vol.wipePattern(VolumeWipe.ZERO);
      await rejects(vol.wipePattern(VolumeWipe.GUTMANN), 'OPERATION_UNSUPPORTED', /'gutmann'/);
      await rejects(vol.wipePattern(99), 'INVALID_ARG', /wiping algorithm 99 not supported/);
      await vol.delete();
      await rejects(
        vol.getInfo(),
        'NO_STORAGE_VOL',
        "Storage volume not found: no storage vol with matching name 'v1.raw'",
      );
      await rejects(bench.connection.storageVolLookupByPath(vol.key), 'NO_STORAGE_VOL', /matching path/);
      await rejects(bench.connection.storageVolLookupByKey(vol.key), 'NO_STORAGE_VOL', /matching key/);
    });

    it('volumes stay in their pool', async () => {
      const one = await bench.connection.storagePoolCreateXML(pool('p1'), 1);
      for (const name of ['../v', '..', '.', 'a/b']) {
        await rejects(one.createVolumeXML(volume(name)), 'XML_ERROR', /volume name/);
      }
      await rejects(
        one.createVolumeXML(volume('q').replace('</capacity>', "</capacity><target><format type='vmdk'/></target>")),
        'CONFIG_UNSUPPORTED',
        /vmdk/,
      );
    });

    it('volumes are uploaded, downloaded and cloned', async () => {
      const one = await bench.connection.storagePoolCreateXML(pool('p1'), 1);
      const vol = await one.createVolumeXML(volume('v1', 8192));
      const send = async (text: string, offset: bigint, length = 0n) => {
        const stream = await vol.upload(offset, length);
        await new Promise<void>((resolve, reject) => {
          stream.once('error', reject).once('close', resolve).resume().end(text);
        });
      };
      const read = async (from: typeof vol, offset: bigint, length: bigint) => {
        const chunks: Buffer[] = [];
        for await (const chunk of await from.download(offset, length)) chunks.push(chunk as Buffer);
        return Buffer.concat(chunks).toString();
      };
      await send('hello, volume', 1000n);
      assert.equal(await read(vol, 1000n, 5n), 'hello');
      assert.equal((await read(vol, 0n, 0n)).length, 8192);
      await assert.rejects(send('too long', 8190n), /OPERATION_FAILED|more was sent|premature|Premature/);
      await rejects(vol.upload(9000n), 'INVALID_ARG', /not within volume/);
      await rejects(vol.download(0n, 9000n), 'INVALID_ARG', /not within volume/);
      const clone = await one.createVolumeXMLFrom(volume('v2', 1), vol);
      assert.equal(await read(clone, 1007n, 6n), 'volume');
      assert.equal((await clone.getInfo()).capacity, 8192n);
      const held = await vol.upload();
      held.on('error', () => {});
      await rejects(
        vol.delete(),
        'OPERATION_INVALID',
        "Requested operation is not valid: volume 'v1' is still in use.",
      );
      const closed = new Promise((resolve) => held.once('close', resolve));
      held.destroy();
      await closed;
      await until(
        async () =>
          vol.delete().then(
            () => true,
            () => false,
          ),
        'the volume is free again',
      );
    });

    it('take and give plain objects', async () => {
      const one = await bench.connection.defineStoragePool({
        type: 'dir',
        name: 'plain',
        target: { path: bench.subject.poolPath },
      });
      await one.build();
      await one.create();
      const vol = await one.createVolume({ name: 'v', capacity: 4096 });
      assert.deepEqual(
        [(await one.getDef()).target?.path, (await vol.getDef()).capacity],
        [bench.subject.poolPath, 4096],
      );
    });
  });
}

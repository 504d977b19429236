/** The host: its CPUs and memory, its interfaces and devices, and what no host here keeps. */
import { strict as assert } from 'node:assert';
import { ListInterfaces, ListNodeDevices, VirtError } from '../../../src/index.ts';
import { type Bench, rejects } from './bench.ts';

/** @param current the bench of the test that runs */
export function describeHost(current: () => Bench): void {
  let bench: Bench;
  beforeEach(() => {
    bench = current();
  });

  describe('host', () => {
    it('says what the connection is to', async () => {
      const { connection } = bench;
      assert.ok((await connection.getType()).length > 0);
      assert.match(await connection.getURI(), /^[a-z]+(\+[a-z]+)?:\/\//);
      assert.equal(typeof (await connection.isSecure()), 'boolean');
      assert.deepEqual(await connection.getSecurityModel(), { model: 'none', doi: '0' });
    });

    it('says what it is made of, where its firmware does', async () => {
      const sysinfo = await bench.connection.getSysinfo().catch((error: unknown) => {
        assert.ok(error instanceof VirtError && error.code === 'OPERATION_UNSUPPORTED', String(error));
        return "<sysinfo type='smbios'/>";
      });
      assert.match(sysinfo, /^<sysinfo type='smbios'/);
    });

    it('has memory in as many cells as its capabilities say', async () => {
      const { connection } = bench;
      const cells = await connection.getCellsFreeMemory(0, 4);
      const { nodes } = await connection.getNodeInfo();
      assert.match(await connection.getCapabilities(), new RegExp(`<cells num=['"]${cells.length}['"]>`));
      assert.ok(cells.length >= 1 && cells.length <= nodes && cells.every((free) => free > 0n), String(cells));
      assert.equal((await connection.getCellsFreeMemory(cells.length - 1, 1)).length, 1);
      await rejects(connection.getCellsFreeMemory(7), 'INVALID_ARG', /start cell 7 out of range/);
      await rejects(connection.getMemoryParameters(), 'NO_SUPPORT', /not supported by the connection driver/);
    });

    it('makes CPUs of one model, and compares none', async () => {
      const { connection } = bench;
      assert.deepEqual(await connection.getCPUModelNames('riscv64'), ['rv64']);
      await rejects(connection.getCPUModelNames('vax'), 'INVALID_ARG', /cannot find architecture vax/);
      const cpu = '<cpu><model>rv64</model></cpu>';
      await rejects(connection.compareCPU(cpu), 'NO_SUPPORT', /cannot compare CPUs/);
      await rejects(connection.baselineCPU([cpu]), 'NO_SUPPORT', /baseline CPU/);
      await rejects(connection.compareHypervisorCPU(cpu, { arch: 'riscv64' }), 'NO_SUPPORT', /hypervisor CPU/);
      await rejects(connection.baselineHypervisorCPU([cpu]), 'NO_SUPPORT', /hypervisor CPU/);
    });

    it('knows no other hypervisor’s configurations', async () => {
      const { connection } = bench;
      await rejects(connection.domainXMLFromNative('qemu-argv', 'qemu'), 'INVALID_ARG', /config type qemu-argv/);
      await rejects(connection.domainXMLToNative('xen-xl', '<domain/>'), 'INVALID_ARG', /config type xen-xl/);
    });

    it('shows its network interfaces', async () => {
      const { connection } = bench;
      const all = await connection.listAllInterfaces();
      assert.deepEqual(
        (await connection.listAllInterfaces(ListInterfaces.ACTIVE)).map(({ name }) => name),
        all.map(({ name }) => name),
      );
      assert.deepEqual(await connection.listAllInterfaces(ListInterfaces.INACTIVE), []);
      for (const { name, mac } of all) {
        const one = await connection.interfaceLookupByName(name);
        assert.equal(one.mac, mac);
        assert.equal(await one.isActive(), true);
        const xml = await one.getXMLDesc();
        assert.ok(xml.includes(`<interface type='ethernet' name='${name}'>`) && xml.includes(mac), xml);
        if (all.filter((other) => other.mac === mac).length > 1) {
          await rejects(connection.interfaceLookupByMACString(mac), 'MULTIPLE_INTERFACES', /multiple matching/);
        } else {
          assert.equal((await connection.interfaceLookupByMACString(mac.toUpperCase())).name, name);
        }
      }
      await rejects(
        connection.interfaceLookupByName('none0'),
        'NO_INTERFACE',
        "Interface not found: couldn't find interface named 'none0'",
      );
    });

    it('shows its devices, in a tree', async () => {
      const { connection } = bench;
      const [computer] = await connection.listAllNodeDevices(ListNodeDevices.SYSTEM);
      assert.equal(computer?.name, 'computer');
      assert.equal(await computer.getParent(), undefined);
      assert.deepEqual(await computer.listCaps(), ['system']);
      assert.match(await computer.getXMLDesc(), /<capability type='system'>/);
      assert.deepEqual(
        [await computer.isActive(), await computer.isPersistent(), await computer.getAutostart()],
        [true, false, false],
      );
      const nets = await connection.listAllNodeDevices(ListNodeDevices.NET);
      assert.equal(nets.length, (await connection.listAllInterfaces()).length);
      for (const { name } of nets) {
        assert.equal(await (await connection.nodeDeviceLookupByName(name)).getParent(), 'computer');
      }
      assert.deepEqual(await connection.listAllNodeDevices(ListNodeDevices.INACTIVE), []);
      await rejects(
        connection.nodeDeviceLookupByName('none'),
        'NO_NODE_DEVICE',
        "Node device not found: no node device with matching name 'none'",
      );
    });

    it('keeps no secrets and no network filters', async () => {
      const { connection } = bench;
      const uuid = '99999999-9999-4999-8999-999999999999';
      assert.deepEqual(await connection.listAllSecrets(), []);
      await rejects(connection.secretLookupByUUID(uuid), 'NO_SECRET', /Secret not found: no secret with matching uuid/);
      await rejects(connection.secretLookupByUsage(1, 'vol'), 'NO_SECRET', /matching usage '1:vol'/);
      await rejects(connection.secretDefineXML('<secret/>'), 'OPERATION_UNSUPPORTED', /secrets are not kept/);
      assert.deepEqual(await connection.listAllNWFilters(), []);
      await rejects(connection.nwfilterLookupByName('f'), 'NO_NWFILTER', /Network filter not found: no nwfilter/);
      await rejects(connection.nwfilterLookupByUUID(uuid), 'NO_NWFILTER', /matching uuid/);
      await rejects(connection.nwfilterDefineXML('<filter/>'), 'OPERATION_UNSUPPORTED', /filters are not kept/);
    });
  });
}

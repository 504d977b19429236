import { strict as assert } from 'node:assert';
import { type Connection, connect } from '../../../src/index.ts';
import {
  formatComputer,
  formatInterface,
  formatNetDevice,
  ownInterfaces,
} from '../../../src/virt/local/host-interfaces.ts';
import { LocalInterfaces, LocalNodeDevices } from '../../../src/virt/local/host-objects.ts';
import type { World } from '../../../src/virt/local/world.ts';
import { rejects } from '../backend-contract.ts';
import { assertValid, needSchemas } from '../conf/support.ts';

const uuid = '0f0e0d0c-0b0a-4908-8706-050403020100';
const some = [
  { name: 'eth0', mac: '02:00:00:00:00:01', addresses: [{ family: 'ipv4', address: '10.0.0.2', prefix: 24 }] },
  { name: 'eth0.7', mac: '02:00:00:00:00:01', addresses: [{ family: 'ipv6', address: 'fe80::1', prefix: 64 }] },
  { name: 'none', mac: '02:00:00:00:00:02', addresses: [] },
] as const;
const world = { hypervisor: { hostInterfaces: () => some, host: { uuid } } } as unknown as World;

describe('interfaces and devices of the host', () => {
  it('are documents that are valid by libvirt’s schemas', function () {
    needSchemas(this);
    for (const iface of [...some, ...ownInterfaces()]) {
      assertValid('interface', formatInterface(iface));
      assertValid('nodedev', formatNetDevice(iface));
    }
    assertValid('nodedev', formatComputer(uuid));
  });

  it('have addresses with prefixes', () => {
    assert.equal(
      formatInterface(some[1]),
      [
        "<interface type='ethernet' name='eth0.7'>",
        "  <protocol family='ipv6'>",
        "    <ip address='fe80::1' prefix='64'/>",
        '  </protocol>',
        "  <link state='up'/>",
        "  <mac address='02:00:00:00:00:01'/>",
        '</interface>',
        '',
      ].join('\n'),
    );
  });

  it('are found by an address only where one has it', async () => {
    const interfaces = new LocalInterfaces(world);
    assert.equal((await interfaces.interfaceLookupByMacString('02:00:00:00:00:02')).name, 'none');
    await assert.rejects(interfaces.interfaceLookupByMacString('02:00:00:00:00:01'), { code: 'MULTIPLE_INTERFACES' });
    await assert.rejects(interfaces.interfaceLookupByMacString('02:00:00:00:00:03'), { code: 'NO_INTERFACE' });
  });

  it('have names of their own as devices', async () => {
    const names = (await new LocalNodeDevices(world).connectListAllNodeDevices(0)).map(({ name }) => name);
    assert.deepEqual(names, [
      'computer',
      'net_eth0_02_00_00_00_00_01',
      'net_eth0_7_02_00_00_00_00_01',
      'net_none_02_00_00_00_00_02',
    ]);
  });

  it('are shown of this host by machines in this process', async () => {
    const connection: Connection = await connect('nodevisor:///embed');
    try {
      assert.deepEqual(
        (await connection.listAllInterfaces()).map(({ name }) => name),
        ownInterfaces().map(({ name }) => name),
      );
      await rejects(connection.interfaceLookupByName('none0'), 'NO_INTERFACE', /none0/);
    } finally {
      await connection.close();
    }
  });
});

/** What only hypervisors behind libvirt's daemons do: ours refuse it, each by the name of its function. */
import { strict as assert } from 'node:assert';
import { DomainCheckpoint, Interface, type Network, NetworkPort, NodeDevice, VirtError } from '../../../src/index.ts';
import { foreignFunctions } from '../../../src/virt/foreign.ts';
import { type Bench, rejects } from './bench.ts';

const uuid = '99999999-9999-4999-8999-999999999999';
const map = Uint8Array.of(1);

type Asked = readonly [call: Promise<unknown>, libvirtFunction: string];

/** The verbs of a domain and its checkpoints. */
async function askDomain({ connection, xml }: Bench): Promise<Asked[]> {
  const domain = await connection.createXML(xml('one'));
  const checkpoint = new DomainCheckpoint(connection.backend, { name: 'c', domain: domain.ref });
  return [
    [domain.blockPull('vda'), 'virDomainBlockPull'],
    [domain.blockRebase('vda'), 'virDomainBlockRebase'],
    [domain.blockCommit('vda'), 'virDomainBlockCommit'],
    [domain.blockCopy('vda', '<disk/>'), 'virDomainBlockCopy'],
    [domain.blockJobSetSpeed('vda', 1n), 'virDomainBlockJobSetSpeed'],
    [domain.setBlockThreshold('vda', 1n), 'virDomainSetBlockThreshold'],
    [domain.blockPeek('vda', 0n, 1), 'virDomainBlockPeek'],
    [domain.memoryPeek(0n, 1), 'virDomainMemoryPeek'],
    [domain.backupBegin('<domainbackup/>'), 'virDomainBackupBegin'],
    [domain.backupGetXMLDesc(), 'virDomainBackupGetXMLDesc'],
    [domain.checkpointCreateXML('<domaincheckpoint/>'), 'virDomainCheckpointCreateXML'],
    [domain.listAllCheckpoints(), 'virDomainListAllCheckpoints'],
    [domain.checkpointLookupByName('c'), 'virDomainCheckpointLookupByName'],
    [checkpoint.getXMLDesc(), 'virDomainCheckpointGetXMLDesc'],
    [checkpoint.listAllChildren(), 'virDomainCheckpointListAllChildren'],
    [checkpoint.getParent(), 'virDomainCheckpointGetParent'],
    [checkpoint.delete(), 'virDomainCheckpointDelete'],
    [domain.addIOThread(1), 'virDomainAddIOThread'],
    [domain.delIOThread(1), 'virDomainDelIOThread'],
    [domain.pinIOThread(1, map), 'virDomainPinIOThread'],
    [domain.setIOThreadParams(1, []), 'virDomainSetIOThreadParams'],
    [domain.setVcpu('1', false), 'virDomainSetVcpu'],
    [domain.setGuestVcpus('1', true), 'virDomainSetGuestVcpus'],
    [domain.getPerfEvents(), 'virDomainGetPerfEvents'],
    [domain.setPerfEvents([]), 'virDomainSetPerfEvents'],
    [domain.startDirtyRateCalc(1), 'virDomainStartDirtyRateCalc'],
    [domain.getLaunchSecurityInfo(), 'virDomainGetLaunchSecurityInfo'],
    [domain.setLaunchSecurityState([]), 'virDomainSetLaunchSecurityState'],
    [domain.managedSaveDefineXML('<domain/>'), 'virDomainManagedSaveDefineXML'],
    [domain.sendProcessSignal(1n, 9), 'virDomainSendProcessSignal'],
    [domain.agentSetResponseTimeout(1), 'virDomainAgentSetResponseTimeout'],
    [domain.authorizedSSHKeysGet('root'), 'virDomainAuthorizedSSHKeysGet'],
    [domain.authorizedSSHKeysSet('root', []), 'virDomainAuthorizedSSHKeysSet'],
    [domain.qemuMonitorCommand('stop'), 'virDomainQemuMonitorCommand'],
    [domain.qemuAgentCommand('{}'), 'virDomainQemuAgentCommand'],
    [connection.qemuAttach(1), 'virDomainQemuAttach'],
    [connection.qemuMonitorEventRegister(domain, 'STOP'), 'virConnectDomainQemuMonitorEventRegister'],
    [connection.qemuMonitorEventDeregister(0), 'virConnectDomainQemuMonitorEventDeregister'],
    [domain.migrateGetMaxDowntime(), 'virDomainMigrateGetMaxDowntime'],
    [domain.migrateSetMaxDowntime(1n), 'virDomainMigrateSetMaxDowntime'],
    [domain.migrateGetMaxSpeed(), 'virDomainMigrateGetMaxSpeed'],
    [domain.migrateSetMaxSpeed(1n), 'virDomainMigrateSetMaxSpeed'],
    [domain.migrateGetCompressionCache(), 'virDomainMigrateGetCompressionCache'],
    [domain.migrateSetCompressionCache(1n), 'virDomainMigrateSetCompressionCache'],
    [domain.migrateStartPostCopy(), 'virDomainMigrateStartPostCopy'],
    [domain.migrate(connection), 'virDomainMigrate3'],
  ];
}

/** The verbs of the host and what it has. */
async function askHost({ connection, subject }: Bench): Promise<Asked[]> {
  const { backend } = connection;
  const network = await connection.networkDefineXML('<network><name>n</name></network>');
  const port = new NetworkPort(backend, { network: network.ref, uuid });
  const iface = new Interface(backend, { name: 'none0', mac: '02:00:00:00:00:99' });
  const device = new NodeDevice(backend, { name: 'none' });
  const secret = { uuid, usageType: 0, usageId: '' };
  const filter = { name: 'none', uuid };
  const binding = { portDev: 'none0', filterName: 'none' };
  return [
    [connection.getFreePages([4], 0, 1), 'virNodeGetFreePages'],
    [connection.allocPages([[4, 1n]], 0, 1), 'virNodeAllocPages'],
    [connection.setMemoryParameters([]), 'virNodeSetMemoryParameters'],
    [connection.suspendForDuration(0, 60n), 'virNodeSuspendForDuration'],
    [connection.getSEVInfo(), 'virNodeGetSEVInfo'],
    [connection.findStoragePoolSources('logical'), 'virConnectFindStoragePoolSources'],
    [connection.interfaceDefineXML('<interface/>'), 'virInterfaceDefineXML'],
    [connection.interfaceChangeBegin(), 'virInterfaceChangeBegin'],
    [connection.interfaceChangeCommit(), 'virInterfaceChangeCommit'],
    [connection.interfaceChangeRollback(), 'virInterfaceChangeRollback'],
    [iface.create(), 'virInterfaceCreate'],
    [iface.destroy(), 'virInterfaceDestroy'],
    [iface.undefine(), 'virInterfaceUndefine'],
    [connection.nodeDeviceCreateXML('<device/>'), 'virNodeDeviceCreateXML'],
    [connection.nodeDeviceDefineXML('<device/>'), 'virNodeDeviceDefineXML'],
    [connection.nodeDeviceLookupSCSIHostByWWN('1', '2'), 'virNodeDeviceLookupSCSIHostByWWN'],
    [device.setAutostart(true), 'virNodeDeviceSetAutostart'],
    [device.create(), 'virNodeDeviceCreate'],
    [device.destroy(), 'virNodeDeviceDestroy'],
    [device.undefine(), 'virNodeDeviceUndefine'],
    [device.dettach(), 'virNodeDeviceDettach'],
    [device.detachFlags('vfio'), 'virNodeDeviceDetachFlags'],
    [device.reAttach(), 'virNodeDeviceReAttach'],
    [device.reset(), 'virNodeDeviceReset'],
    [connection.secretGetXMLDesc(secret), 'virSecretGetXMLDesc'],
    [connection.secretSetValue(secret, map), 'virSecretSetValue'],
    [connection.secretGetValue(secret), 'virSecretGetValue'],
    [connection.secretUndefine(secret), 'virSecretUndefine'],
    [connection.nwfilterDefineXMLFlags('<filter/>', 1), 'virNWFilterDefineXMLFlags'],
    [connection.nwfilterGetXMLDesc(filter), 'virNWFilterGetXMLDesc'],
    [connection.nwfilterUndefine(filter), 'virNWFilterUndefine'],
    [connection.listAllNWFilterBindings(), 'virConnectListAllNWFilterBindings'],
    [connection.nwfilterBindingLookupByPortDev('none0'), 'virNWFilterBindingLookupByPortDev'],
    [connection.nwfilterBindingGetXMLDesc(binding), 'virNWFilterBindingGetXMLDesc'],
    [connection.nwfilterBindingCreateXML('<filterbinding/>'), 'virNWFilterBindingCreateXML'],
    [connection.nwfilterBindingDelete(binding), 'virNWFilterBindingDelete'],
    // Where machines are, they are plugged into ports.
    ...(subject.domainType === 'test' ? askPorts(network, port) : []),
  ];
}

/** The verbs of a network's ports. */
function askPorts(network: Network, port: NetworkPort): Asked[] {
  return [
    [network.listAllPorts(), 'virNetworkListAllPorts'],
    [network.portLookupByUUID(uuid), 'virNetworkPortLookupByUUID'],
    [network.portCreateXML('<networkport/>'), 'virNetworkPortCreateXML'],
    [port.getXMLDesc(), 'virNetworkPortGetXMLDesc'],
    [port.getParameters(), 'virNetworkPortGetParameters'],
    [port.setParameters([]), 'virNetworkPortSetParameters'],
    [port.delete(), 'virNetworkPortDelete'],
  ];
}

/** @param current the bench of the test that runs */
export function describeForeign(current: () => Bench): void {
  describe('what only hypervisors behind libvirt’s daemons do', () => {
    for (const [what, ask] of [
      ['domains', askDomain],
      ['the host', askHost],
    ] as const) {
      it(`is refused by the name of its function: ${what}`, async () => {
        const asked = await ask(current());
        const wanted = (name: string) => `this function is not supported by the connection driver: ${name}`;
        await Promise.all(asked.map(([call, name]) => rejects(call, 'NO_SUPPORT', wanted(name))));
      });
    }

    it('is refused where a host would go to another by itself', async () => {
      const domain = await current().connection.createXML(current().xml('one'));
      // A client asks its server first whether it can be done at all.
      await assert.rejects(domain.migrateToURI3('qemu:///system', [], 2), (error) => {
        assert.ok(error instanceof VirtError);
        assert.match(error.message, /: virDomainMigrate$|^argument unsupported: p2p migration is not supported by the/);
        return true;
      });
    });

    it('is refused on a connection that only reads, and on a closed one', async () => {
      const connection = await current().subject.again({ readOnly: true });
      await rejects(connection.listAllNWFilterBindings(), 'NO_SUPPORT', /virConnectListAllNWFilterBindings/);
      await connection.close();
      const names = Object.keys(foreignFunctions) as (keyof typeof foreignFunctions)[];
      assert.ok(names.length > 80);
      for (const name of names) {
        await rejects((connection.backend[name] as () => Promise<unknown>)(), 'INVALID_CONN', /closed/);
      }
    });
  });
}

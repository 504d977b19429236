import type { FilterBindingRef, NwfilterRef, SecretRef, TypedParam } from './backend.ts';
import { Domain } from './domain.ts';
import { Interface, NodeDevice } from './host.ts';
import { HostConnection } from './host-connection.ts';

/**
 * What `Connection` stands on, and can do over a daemon of libvirt's: the hypervisors of this package refuse all of it
 * (NO_SUPPORT).
 */
export class ForeignConnection extends HostConnection {
  /** Free pages of each size (KiB) in each of `cellCount` NUMA cells from `startCell` on. */
  getFreePages(pages: readonly number[], startCell: number, cellCount: number, flags = 0): Promise<bigint[]> {
    return this.backend.nodeGetFreePages(pages, startCell, cellCount, flags);
  }

  /** @param pages pairs of a page's size in KiB and how many there are to be. Returns how many cells were changed. */
  allocPages(
    pages: readonly (readonly [size: number, count: bigint])[],
    startCell: number,
    cellCount: number,
    flags = 0,
  ): Promise<number> {
    const sizes = pages.map(([size]) => size);
    const counts = pages.map(([, count]) => count);
    return this.backend.nodeAllocPages(sizes, counts, startCell, cellCount, flags);
  }

  setMemoryParameters(params: readonly TypedParam[], flags = 0): Promise<void> {
    return this.backend.nodeSetMemoryParameters(params, flags);
  }

  /** @param target of virNodeSuspendTarget @param duration seconds */
  suspendForDuration(target: number, duration: bigint, flags = 0): Promise<void> {
    return this.backend.nodeSuspendForDuration(target, duration, flags);
  }

  getSEVInfo(flags = 0): Promise<TypedParam[]> {
    return this.backend.nodeGetSevInfo(flags);
  }

  findStoragePoolSources(type: string, spec?: string, flags = 0): Promise<string> {
    return this.backend.connectFindStoragePoolSources(type, spec, flags);
  }

  async interfaceDefineXML(xml: string, flags = 0): Promise<Interface> {
    return new Interface(this.backend, await this.backend.interfaceDefineXml(xml, flags));
  }

  /** From now on interfaces can be taken back to what they are. */
  interfaceChangeBegin(flags = 0): Promise<void> {
    return this.backend.interfaceChangeBegin(flags);
  }

  interfaceChangeCommit(flags = 0): Promise<void> {
    return this.backend.interfaceChangeCommit(flags);
  }

  interfaceChangeRollback(flags = 0): Promise<void> {
    return this.backend.interfaceChangeRollback(flags);
  }

  async nodeDeviceCreateXML(xml: string, flags = 0): Promise<NodeDevice> {
    return new NodeDevice(this.backend, await this.backend.nodeDeviceCreateXml(xml, flags));
  }

  async nodeDeviceDefineXML(xml: string, flags = 0): Promise<NodeDevice> {
    return new NodeDevice(this.backend, await this.backend.nodeDeviceDefineXml(xml, flags));
  }

  /** Throws NO_NODE_DEVICE. */
  async nodeDeviceLookupSCSIHostByWWN(wwnn: string, wwpn: string, flags = 0): Promise<NodeDevice> {
    return new NodeDevice(this.backend, await this.backend.nodeDeviceLookupScsiHostByWwn(wwnn, wwpn, flags));
  }

  secretGetXMLDesc(secret: SecretRef, flags = 0): Promise<string> {
    return this.backend.secretGetXmlDesc(secret, flags);
  }

  secretSetValue(secret: SecretRef, value: Uint8Array, flags = 0): Promise<void> {
    return this.backend.secretSetValue(secret, value, flags);
  }

  secretGetValue(secret: SecretRef, flags = 0): Promise<Uint8Array> {
    return this.backend.secretGetValue(secret, flags);
  }

  secretUndefine(secret: SecretRef): Promise<void> {
    return this.backend.secretUndefine(secret);
  }

  nwfilterDefineXMLFlags(xml: string, flags: number): Promise<NwfilterRef> {
    return this.backend.nwfilterDefineXmlFlags(xml, flags);
  }

  nwfilterGetXMLDesc(filter: NwfilterRef, flags = 0): Promise<string> {
    return this.backend.nwfilterGetXmlDesc(filter, flags);
  }

  nwfilterUndefine(filter: NwfilterRef): Promise<void> {
    return this.backend.nwfilterUndefine(filter);
  }

  listAllNWFilterBindings(flags = 0): Promise<FilterBindingRef[]> {
    return this.backend.connectListAllNwfilterBindings(flags);
  }

  nwfilterBindingLookupByPortDev(portDev: string): Promise<FilterBindingRef> {
    return this.backend.nwfilterBindingLookupByPortDev(portDev);
  }

  nwfilterBindingGetXMLDesc(binding: FilterBindingRef, flags = 0): Promise<string> {
    return this.backend.nwfilterBindingGetXmlDesc(binding, flags);
  }

  nwfilterBindingCreateXML(xml: string, flags = 0): Promise<FilterBindingRef> {
    return this.backend.nwfilterBindingCreateXml(xml, flags);
  }

  nwfilterBindingDelete(binding: FilterBindingRef): Promise<void> {
    return this.backend.nwfilterBindingDelete(binding);
  }

  /** Takes over a QEMU that runs on the host. */
  async qemuAttach(pid: number, flags = 0): Promise<Domain> {
    return new Domain(this.backend, await this.backend.qemuDomainAttach(pid, flags));
  }

  /** From now on the event `qemuMonitorEvent` comes. Returns the number that ends it. */
  qemuMonitorEventRegister(domain?: Domain, event?: string, flags = 0): Promise<number> {
    return this.backend.qemuConnectDomainMonitorEventRegister(domain?.ref, event, flags);
  }

  qemuMonitorEventDeregister(callbackId: number): Promise<void> {
    return this.backend.qemuConnectDomainMonitorEventDeregister(callbackId);
  }
}

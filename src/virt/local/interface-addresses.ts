/** Addresses of guests, as their networks know them. */
import type { InterfaceAddresses } from '../backend.ts';
import type { FilledDomainDef } from '../conf/index.ts';
import { leasesOf, type NetworkTable } from './network-table.ts';

type Address = InterfaceAddresses['addrs'][number];

/**
 * The interfaces of a running domain of which something is known: what they have by DHCP, or what has been heard of them
 * on the wire (which tells no prefix). Only networks of ours know anything.
 */
export function addressesOf(
  networks: NetworkTable,
  def: FilledDomainDef,
  source: 'lease' | 'arp',
): InterfaceAddresses[] {
  return def.devices.interfaces.flatMap(({ type, source: at, target, mac }) => {
    const network = networks.all.find(({ name, active }) => type === 'network' && name === at?.network && active);
    if (network === undefined || mac === undefined) return [];
    const addrs: Address[] =
      source === 'lease'
        ? leasesOf(network)
            .filter((lease) => lease.mac === mac.address)
            .map((lease) => ({ type: lease.type, addr: lease.ipaddr, prefix: lease.prefix }))
        : (network.live?.neighbours() ?? [])
            .filter((one) => one.mac === mac.address)
            .map(({ ip }) => ({ type: ip.includes(':') ? 1 : 0, addr: ip, prefix: 0 }));
    return addrs.length === 0 ? [] : [{ name: target?.dev ?? '', hwaddr: mac.address, addrs }];
  });
}

/** A name that a guest gave itself when it got an address; undefined: there is none. */
export function leasedName(networks: NetworkTable, def: FilledDomainDef): string | undefined {
  const macs = new Set(def.devices.interfaces.map(({ mac }) => mac?.address));
  const leases = networks.all.filter(({ active }) => active).flatMap(leasesOf);
  return leases.find(({ mac, hostname }) => hostname !== undefined && macs.has(mac))?.hostname;
}

import { frameLayout, isBroadcast, isGroup, isMac } from '../net/ether.ts';

/** Addresses of each kind that are kept; a driver with more gets all frames of that kind. */
const ADDRESSES_MAX = 64;

/** A driver's list of addresses. */
class AddressTable {
  #addresses: Uint8Array[] = [];
  /** More were asked for than there is room for. */
  overflow = false;

  set(packed: Uint8Array): void {
    const count = packed.length / 6;
    this.overflow = count > ADDRESSES_MAX;
    this.#addresses = this.overflow
      ? []
      : Array.from({ length: count }, (_, index) => packed.slice(6 * index, 6 * index + 6));
  }

  has(frame: Uint8Array): boolean {
    return this.overflow || this.#addresses.some((mac) => isMac(frame, 0, mac));
  }
}

/** Which frames the driver wants (5.1.6.5.1 to 5.1.6.5.3). All, until it says something else. */
export class ReceiveFilter {
  /** The modes of VIRTIO_NET_CTRL_RX, in the order of their commands. */
  readonly modes = [true, false, false, false, false, false];
  readonly unicast = new AddressTable();
  readonly multicast = new AddressTable();
  /** One bit for each VLAN that is let through; absent: all are. */
  #vlans: Uint8Array | undefined;

  /** @param vlans the driver names the VLANs that it wants (VIRTIO_NET_F_CTRL_VLAN). */
  constructor(vlans: boolean) {
    if (vlans) this.#vlans = new Uint8Array(4096 / 8);
  }

  /** Lets frames with the tag `vlan` through, or no longer. */
  setVlan(vlan: number, wanted: boolean): void {
    if (this.#vlans === undefined) return;
    if (wanted) this.#vlans[vlan >> 3] |= 1 << (vlan & 7);
    else this.#vlans[vlan >> 3] &= ~(1 << (vlan & 7));
  }

  /** @param mac the device's own address. */
  accepts(frame: Uint8Array, mac: Uint8Array): boolean {
    const vlan = frameLayout(frame)?.vlan;
    if (vlan !== undefined && this.#vlans !== undefined && (this.#vlans[vlan >> 3] & (1 << (vlan & 7))) === 0) {
      return false;
    }
    const [promiscuous, allMulti, allUni, noMulti, noUni, noBroadcast] = this.modes;
    if (promiscuous) return true;
    if (isBroadcast(frame)) return !noBroadcast;
    if (isGroup(frame)) return !noMulti && (allMulti || this.multicast.has(frame));
    return !noUni && (allUni || isMac(frame, 0, mac) || this.unicast.has(frame));
  }
}

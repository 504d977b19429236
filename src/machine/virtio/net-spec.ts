/** Numbers of the network device (virtio 1.2, 5.1). */

/** Feature bits as masks (5.1.3). */
export const NetFeature = {
  CSUM: 1n << 0n,
  GUEST_CSUM: 1n << 1n,
  MTU: 1n << 3n,
  MAC: 1n << 5n,
  GUEST_TSO4: 1n << 7n,
  GUEST_TSO6: 1n << 8n,
  HOST_TSO4: 1n << 11n,
  HOST_TSO6: 1n << 12n,
  MRG_RXBUF: 1n << 15n,
  STATUS: 1n << 16n,
  CTRL_VQ: 1n << 17n,
  CTRL_RX: 1n << 18n,
  CTRL_VLAN: 1n << 19n,
  CTRL_RX_EXTRA: 1n << 20n,
  MQ: 1n << 22n,
  CTRL_MAC_ADDR: 1n << 23n,
} as const;

/** Bit of the configuration space's status (5.1.4). */
export const VIRTIO_NET_S_LINK_UP = 1;

/** Bytes of struct virtio_net_hdr with num_buffers, as every device of version 1 has it (5.1.6). */
export const NET_HEADER = 12;

/** `flags` of the header. */
export const NetHeaderFlag = { NEEDS_CSUM: 1, DATA_VALID: 2 } as const;

/** `gso_type` of the header; ECN is a bit beside the type. */
export const NetGso = { NONE: 0, TCPV4: 1, TCPV6: 4, ECN: 0x80 } as const;

/** Classes and commands of the control queue (5.1.6.5). */
export const NetControl = {
  RX: 0,
  RX_PROMISC: 0,
  RX_ALLMULTI: 1,
  RX_ALLUNI: 2,
  RX_NOMULTI: 3,
  RX_NOUNI: 4,
  RX_NOBCAST: 5,
  MAC: 1,
  MAC_TABLE_SET: 0,
  MAC_ADDR_SET: 1,
  VLAN: 2,
  VLAN_ADD: 0,
  VLAN_DEL: 1,
  MQ: 4,
  MQ_VQ_PAIRS_SET: 0,
} as const;

/** Answers on the control queue. */
export const NetAck = { OK: 0, ERR: 1 } as const;

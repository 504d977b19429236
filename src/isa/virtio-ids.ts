/** Numbers of virtio 1.2: what a driver and a device must agree on, shared by every device and by tests. */

/** Device types (chapter 5). */
export const VirtioType = {
  NET: 1,
  BLOCK: 2,
  CONSOLE: 3,
  ENTROPY: 4,
  BALLOON_TRADITIONAL: 5,
  SCSI: 8,
  NINE_P: 9,
  GPU: 16,
  INPUT: 18,
  SOCKET: 19,
  CRYPTO: 20,
  IOMMU: 23,
  MEMORY: 24,
  SOUND: 25,
  FILE_SYSTEM: 26,
  PMEM: 27,
} as const;
export type VirtioType = (typeof VirtioType)[keyof typeof VirtioType];

/** Device status bits (2.1). */
export const VirtioStatus = {
  ACKNOWLEDGE: 1,
  DRIVER: 2,
  DRIVER_OK: 4,
  FEATURES_OK: 8,
  DEVICE_NEEDS_RESET: 64,
  FAILED: 128,
} as const;

/** Feature bits independent of the device type, as bit numbers (chapter 6). */
export const VirtioFeature = {
  INDIRECT_DESC: 28,
  EVENT_IDX: 29,
  VERSION_1: 32,
  ACCESS_PLATFORM: 33,
  RING_PACKED: 34,
  IN_ORDER: 35,
  ORDER_PLATFORM: 36,
  SR_IOV: 37,
  NOTIFICATION_DATA: 38,
  NOTIF_CONFIG_DATA: 39,
  RING_RESET: 40,
} as const;

/** Flags of a split virtqueue's descriptors (2.7.5). */
export const VirtqDescFlag = { NEXT: 1, WRITE: 2, INDIRECT: 4 } as const;

/** Flag of the available ring: the driver wants no interrupts (2.7.6). */
export const VIRTQ_AVAIL_F_NO_INTERRUPT = 1;

/** Flag of the used ring: the device wants no notifications (2.7.8). */
export const VIRTQ_USED_F_NO_NOTIFY = 1;

/** Register offsets of the MMIO transport, version 2 (4.2.2). */
export const VirtioMmio = {
  MAGIC_VALUE: 0x000,
  VERSION: 0x004,
  DEVICE_ID: 0x008,
  VENDOR_ID: 0x00c,
  DEVICE_FEATURES: 0x010,
  DEVICE_FEATURES_SEL: 0x014,
  DRIVER_FEATURES: 0x020,
  DRIVER_FEATURES_SEL: 0x024,
  QUEUE_SEL: 0x030,
  QUEUE_NUM_MAX: 0x034,
  QUEUE_NUM: 0x038,
  QUEUE_READY: 0x044,
  QUEUE_NOTIFY: 0x050,
  INTERRUPT_STATUS: 0x060,
  INTERRUPT_ACK: 0x064,
  STATUS: 0x070,
  QUEUE_DESC_LOW: 0x080,
  QUEUE_DESC_HIGH: 0x084,
  QUEUE_DRIVER_LOW: 0x090,
  QUEUE_DRIVER_HIGH: 0x094,
  QUEUE_DEVICE_LOW: 0x0a0,
  QUEUE_DEVICE_HIGH: 0x0a4,
  SHM_SEL: 0x0ac,
  SHM_LEN_LOW: 0x0b0,
  SHM_LEN_HIGH: 0x0b4,
  SHM_BASE_LOW: 0x0b8,
  SHM_BASE_HIGH: 0x0bc,
  QUEUE_RESET: 0x0c0,
  CONFIG_GENERATION: 0x0fc,
  CONFIG: 0x100,
} as const;

/** Value of MAGIC_VALUE: "virt". */
export const VIRTIO_MMIO_MAGIC = 0x7472_6976;

/** Value of VERSION for the non-legacy transport. */
export const VIRTIO_MMIO_VERSION = 2;

/** Bits of INTERRUPT_STATUS and INTERRUPT_ACK (4.2.2). */
export const VirtioInterrupt = { USED_BUFFER: 1, CONFIG_CHANGE: 2 } as const;

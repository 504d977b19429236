/** Numbers of "Virtual I/O Device (VIRTIO) Version 1.2" that only the transport and the split ring need. */
import { VirtioFeature } from '../../isa/index.ts';

/** DeviceID of a slot without a device (4.2.2). */
export const VIRTIO_TYPE_NONE = 0;

/** Value of VendorID: "ndvs", little-endian. */
export const VIRTIO_VENDOR = 0x7376_646e;

/** Device-independent feature bits as masks. */
export const Feature = {
  INDIRECT_DESC: 1n << BigInt(VirtioFeature.INDIRECT_DESC),
  EVENT_IDX: 1n << BigInt(VirtioFeature.EVENT_IDX),
  VERSION_1: 1n << BigInt(VirtioFeature.VERSION_1),
} as const;

/** Size of a descriptor in bytes (2.7.5). */
export const DESC_BYTES = 16;

/** Largest queue size of the split ring (2.7). */
export const QUEUE_SIZE_MAX = 32768;

/** Largest total length of a descriptor chain in bytes (2.7.5.2). */
export const CHAIN_BYTES_MAX = 2 ** 32;

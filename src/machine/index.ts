export type { BlockBackend } from './backend/block.ts';
export type { CharBackend } from './backend/char.ts';
export { type CopyOptions, type CopyTarget, copyDisk } from './backend/copy-disk.ts';
export { type DiskFormat, type DiskImage, diskFormats, type Extent } from './backend/disk-image.ts';
export { diskBytes, isZero, type Region, regionAt } from './backend/disk-regions.ts';
export {
  type BlockFailure,
  type ErrorPolicy,
  PolicyBlock,
  type ReadErrorAction,
  readErrorActions,
  type WriteErrorAction,
  writeErrorActions,
} from './backend/error-policy.ts';
export { FileBlock } from './backend/file-block.ts';
export { FileChar } from './backend/file-char.ts';
export { FlashFile, type FlashStore } from './backend/flash-file.ts';
export { DiskFile, type HostFile, unusableImage } from './backend/host-file.ts';
export { KeptBlock } from './backend/kept-block.ts';
export { MemBlock } from './backend/mem-block.ts';
export type { Frame, NetBackend, NetPort, Segmentation } from './backend/net.ts';
export { NullChar } from './backend/null-char.ts';
export { NullNet } from './backend/null-net.ts';
export { diskFormat, namedFile, type OpenDiskOptions, openDiskImage, sameFile } from './backend/open-disk.ts';
export type { CheckResult } from './backend/qcow2/check.ts';
export { type Compressor, compressionSettings } from './backend/qcow2/compression.ts';
export { createQcow2, type Qcow2CreateOptions } from './backend/qcow2/create.ts';
export { hasMagic as hasQcow2Magic } from './backend/qcow2/header.ts';
export { Qcow2Image, type Qcow2Options } from './backend/qcow2/image.ts';
export { inspectQcow2, type Qcow2Facts } from './backend/qcow2/inspect.ts';
export { checkQcow2, type Repair, type RepairResult } from './backend/qcow2/repair.ts';
export type { Qcow2Snapshot } from './backend/qcow2/snapshot-table.ts';
export type { NewSnapshot } from './backend/qcow2/snapshots.ts';
export { StreamChar } from './backend/stream-char.ts';
export {
  checkIoTune,
  IO_LIMIT_MAX,
  type IoRate,
  type IoTune,
  ioRates,
  ioTuneNames,
  Throttle,
  ThrottledBlock,
} from './backend/throttle.ts';
export { Board, type BoardConfig, BoardDoorbell, boardConfig } from './board.ts';
export { type Timer, TimerQueue, type Timers } from './bus/timers.ts';
export type { FlashBankConfig, Image, ImageFile, MachineConfig, VirtioSlotConfig } from './config.ts';
export { boardHtif, ExitServer, type ExitServerOptions } from './exit-server.ts';
export type { Htif } from './firmware/htif.ts';
export { FLASH_BANK_BYTES } from './flash/cfi.ts';
export { Machine, type MachineHost } from './machine.ts';
export { FLASH_BANKS, memoryMap, TIMEBASE_HZ, VIRTIO_SLOTS } from './memory-map.ts';
export { formatIp, type IpAddress, inSubnet, parseIp, parseSubnet, type Subnet } from './net/address.ts';
export { DgramNet, type DgramNetOptions } from './net/dgram-net.ts';
export { formatMac, parseMac } from './net/ether.ts';
export { type HostNetworkFinding, hostNetworks } from './net/host-networks.ts';
export { completeFrames } from './net/offload.ts';
export { PasstNet } from './net/passt-net.ts';
export { CapturedNet, captureStream } from './net/pcapng.ts';
export { StreamNet, type StreamNetOptions } from './net/stream-net.ts';
export { EtherSwitch, type SwitchStation } from './net/switch.ts';
export { hasHostInterface, type TapOptions } from './net/tap-device.ts';
export { TapNet } from './net/tap-net.ts';
export type { AddressRange, DhcpHost, Lease } from './net/user/dhcp.ts';
export { LEASE_FOREVER_SECONDS } from './net/user/dhcp.ts';
export { type DnsRecord, serviceRecord, textRecord } from './net/user/dns-records.ts';
export type { PortForward } from './net/user/forward.ts';
export type { UserNetHost, UserNetOptions } from './net/user/options.ts';
export type { AllowRule } from './net/user/policy.ts';
export { UserNet } from './net/user/user-net.ts';
export { PowerRequest } from './power/power-request.ts';
export { haltMachine, RunState, runState, setRunState } from './run-state.ts';
export { type CdDrive, ScsiCdrom } from './scsi/cdrom.ts';
export { ScsiDisk } from './scsi/disk.ts';
export { RAM_BYTES_LIMIT, validateMachineConfig } from './validate-config.ts';
export { VirtioBlk, type WriteCache } from './virtio/blk.ts';
export { VirtioConsole } from './virtio/console.ts';
export type { VirtioDevice } from './virtio/device.ts';
export { NET_QUEUE_PAIRS_MAX, type NetCounts, VirtioNet } from './virtio/net.ts';
export { VirtioRng } from './virtio/rng.ts';
export { SCSI_QUEUES_MAX, VirtioScsi } from './virtio/scsi.ts';

import { type HostFile, unusableImage } from '../host-file.ts';
import type { Geometry } from './geometry.ts';
import type { Qcow2Header } from './header.ts';
import { Limit } from './spec.ts';

/** An internal snapshot as its image's table has it. */
export interface Qcow2Snapshot {
  readonly id: string;
  readonly name: string;
  readonly l1Offset: number;
  readonly l1Entries: number;
  /** Seconds since 1970, and the nanoseconds of that second. */
  readonly seconds: number;
  readonly nanoseconds: number;
  /** How long the guest had been running, in nanoseconds. */
  readonly vmClockNs: bigint;
  /** Size of the machine's saved state in bytes; 0: the disk alone was saved. */
  readonly vmStateBytes: number;
  /** Size of the disk then; its present size if the image (of version 2) does not tell. */
  readonly diskBytes: number;
  /** Extra data of later specifications, from byte 56 on: kept. */
  readonly laterExtra: Uint8Array;
}

const FIXED_BYTES = 40;
const KNOWN_EXTRA_BYTES = 16;

const utf8 = new TextDecoder();

function entryBytes(extra: number, id: number, name: number): number {
  return Math.ceil((FIXED_BYTES + extra + id + name) / 8) * 8;
}

function encode(snapshot: Qcow2Snapshot): { id: Uint8Array; name: Uint8Array; extra: number } {
  const encoder = new TextEncoder();
  const { laterExtra, id, name } = snapshot;
  return { id: encoder.encode(id), name: encoder.encode(name), extra: KNOWN_EXTRA_BYTES + laterExtra.length };
}

/** Bytes of the table that holds these snapshots. */
export function snapshotTableBytes(snapshots: readonly Qcow2Snapshot[]): number {
  return snapshots.reduce((sum, snapshot) => {
    const { id, name, extra } = encode(snapshot);
    return sum + entryBytes(extra, id.length, name.length);
  }, 0);
}

/** The table as bytes. Throws INVALID_ARG if it is larger than images may have it. */
export function formatSnapshotTable(path: string, snapshots: readonly Qcow2Snapshot[]): Uint8Array {
  const total = snapshotTableBytes(snapshots);
  if (snapshots.length > Limit.snapshots || total > Limit.snapshotTableBytes) {
    throw unusableImage(path, 'it cannot hold any more snapshots');
  }
  const bytes = new Uint8Array(total);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const snapshot of snapshots) {
    const { id, name, extra } = encode(snapshot);
    view.setBigUint64(at, BigInt(snapshot.l1Offset));
    view.setUint32(at + 8, snapshot.l1Entries);
    view.setUint16(at + 12, id.length);
    view.setUint16(at + 14, name.length);
    view.setUint32(at + 16, snapshot.seconds);
    view.setUint32(at + 20, snapshot.nanoseconds);
    view.setBigUint64(at + 24, snapshot.vmClockNs);
    view.setUint32(at + 32, snapshot.vmStateBytes < 2 ** 32 ? snapshot.vmStateBytes : 0);
    view.setUint32(at + 36, extra);
    view.setBigUint64(at + 40, BigInt(snapshot.vmStateBytes));
    view.setBigUint64(at + 48, BigInt(snapshot.diskBytes));
    bytes.set(snapshot.laterExtra, at + FIXED_BYTES + KNOWN_EXTRA_BYTES);
    bytes.set(id, at + FIXED_BYTES + extra);
    bytes.set(name, at + FIXED_BYTES + extra + id.length);
    at += entryBytes(extra, id.length, name.length);
  }
  return bytes;
}

/** An image's snapshots, and the bytes that their table takes in the file. */
export interface SnapshotTable {
  readonly snapshots: readonly Qcow2Snapshot[];
  readonly bytes: number;
}

/** Reads an image's snapshot table. Throws INVALID_ARG for a table that is malformed. */
export async function readSnapshotTable(
  file: HostFile,
  geometry: Geometry,
  header: Pick<Qcow2Header, 'snapshotCount' | 'snapshotsOffset' | 'size'>,
): Promise<SnapshotTable> {
  const snapshots: Qcow2Snapshot[] = [];
  let offset = header.snapshotsOffset;
  for (let i = 0; i < header.snapshotCount; i++) {
    if (offset - header.snapshotsOffset > Limit.snapshotTableBytes) {
      throw unusableImage(file.path, 'its snapshot table is larger than 64 MiB');
    }
    const { snapshot, bytes } = await readEntry(file, geometry, offset, header.size);
    snapshots.push(snapshot);
    offset += bytes;
  }
  return { snapshots, bytes: offset - header.snapshotsOffset };
}

async function readEntry(
  file: HostFile,
  geometry: Geometry,
  offset: number,
  diskBytes: number,
): Promise<{ snapshot: Qcow2Snapshot; bytes: number }> {
  const fixed = new Uint8Array(FIXED_BYTES);
  if (offset + FIXED_BYTES > file.bytes) throw unusableImage(file.path, 'its snapshot table is outside the file');
  await file.read(offset, fixed);
  const view = new DataView(fixed.buffer);
  const idBytes = view.getUint16(12);
  const nameBytes = view.getUint16(14);
  const extraBytes = view.getUint32(36);
  if (extraBytes > Limit.snapshotExtraBytes) {
    throw unusableImage(file.path, `a snapshot of its has ${extraBytes} bytes of extra data`);
  }
  const rest = new Uint8Array(extraBytes + idBytes + nameBytes);
  await file.read(offset + FIXED_BYTES, rest);
  const extra = new DataView(rest.buffer, 0, extraBytes);
  const number = (value: bigint, what: string): number => {
    if (value > BigInt(Limit.diskBytes)) throw unusableImage(file.path, `the ${what} of a snapshot of its is ${value}`);
    return Number(value);
  };
  const snapshot: Qcow2Snapshot = {
    id: utf8.decode(rest.subarray(extraBytes, extraBytes + idBytes)),
    name: utf8.decode(rest.subarray(extraBytes + idBytes)),
    l1Offset: number(view.getBigUint64(0), 'L1 table'),
    l1Entries: view.getUint32(8),
    seconds: view.getUint32(16),
    nanoseconds: view.getUint32(20),
    vmClockNs: view.getBigUint64(24),
    vmStateBytes: extraBytes >= 8 ? number(extra.getBigUint64(0), 'state') : view.getUint32(32),
    diskBytes: extraBytes >= 16 ? number(extra.getBigUint64(8), 'disk') : diskBytes,
    laterExtra: rest.slice(Math.min(KNOWN_EXTRA_BYTES, extraBytes), extraBytes),
  };
  checkL1(file, geometry, snapshot);
  return { snapshot, bytes: entryBytes(extraBytes, idBytes, nameBytes) };
}

function checkL1(file: HostFile, geometry: Geometry, { id, l1Offset, l1Entries }: Qcow2Snapshot): void {
  const bytes = l1Entries * 8;
  const end = Math.ceil(file.bytes / geometry.clusterBytes) * geometry.clusterBytes;
  const good = l1Offset % geometry.clusterBytes === 0 && bytes <= Limit.l1Bytes && l1Offset + bytes <= end;
  if (!good) {
    throw unusableImage(
      file.path,
      `the L1 table of its snapshot ${JSON.stringify(id)} is malformed or outside the file`,
    );
  }
}

import type { Qcow2Snapshot } from '../../machine/index.ts';
import { formatBytes } from './sizes.ts';

function two(value: number): string {
  return String(value).padStart(2, '0');
}

/** A moment in the host's own time, as qemu-img writes it. */
function date(seconds: number): string {
  const d = new Date(seconds * 1000);
  const day = `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}`;
  return `${day} ${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
}

function vmClock(ns: bigint): string {
  const ms = Number(ns / 1_000_000n);
  const s = Math.floor(ms / 1000);
  const clock = [Math.floor(s / 3600), Math.floor(s / 60) % 60, s % 60].map(two).join(':');
  return `${clock}.${String(ms % 1000).padStart(3, '0')}`;
}

/** An image's snapshots as a table for people: heading, columns, a line for each. */
export function snapshotTable(snapshots: readonly Qcow2Snapshot[]): string[] {
  const row = (id: string, tag: string, size: string, when: string, clock: string) =>
    `${id.padEnd(9)} ${tag.padEnd(16)} ${size.padStart(8)} ${when.padStart(19)} ${clock.padStart(15)}`;
  return [
    'Snapshot list:',
    row('ID', 'TAG', 'VM SIZE', 'DATE', 'VM CLOCK'),
    ...snapshots.map(({ id, name, vmStateBytes, seconds, vmClockNs }) =>
      row(id, name, formatBytes(vmStateBytes), date(seconds), vmClock(vmClockNs)),
    ),
  ];
}

import { strict as assert } from 'node:assert';
import type { SeededRandom } from '../../src/util/index.ts';

/** What a disk must read as: the bytes of all of it. */
export class DiskModel {
  bytes: Uint8Array;

  constructor(bytes: number | Uint8Array) {
    this.bytes = typeof bytes === 'number' ? new Uint8Array(bytes) : bytes.slice();
  }

  get sectors(): number {
    return this.bytes.length / 512;
  }

  write(offset: number, from: Uint8Array): void {
    this.bytes.set(from, offset);
  }

  zero(offset: number, bytes: number): void {
    this.bytes.fill(0, offset, offset + bytes);
  }

  resize(bytes: number): void {
    const resized = new Uint8Array(bytes);
    resized.set(this.bytes.subarray(0, Math.min(bytes, this.bytes.length)));
    this.bytes = resized;
  }

  /** Fails, saying where, if `got` is not what is at `offset`. */
  expect(offset: number, got: Uint8Array, what: string): void {
    const expected = this.bytes.subarray(offset, offset + got.length);
    if (Buffer.compare(expected, got) === 0) return;
    const at = got.findIndex((byte, i) => byte !== expected[i]);
    assert.fail(`${what}: byte ${offset + at} is ${got[at]}, it must be ${expected[at]}`);
  }
}

/** A range of whole sectors inside a disk: mostly short, sometimes long, often aligned to something. */
export function randomRange(random: SeededRandom, diskBytes: number): { offset: number; bytes: number } {
  const sectors = diskBytes / 512;
  const unit = random.pick([1, 1, 8, 128, 4096]);
  const offset = Math.floor(random.below(sectors) / unit) * unit;
  const most = random.pick([1, 8, 64, 256, 2048]) * (random.below(3) === 0 ? unit : 1);
  const count = Math.min(1 + random.below(most), sectors - offset);
  return { offset: offset * 512, bytes: count * 512 };
}

/** Bytes that tell where they are from: no two writes look the same. */
export function randomData(random: SeededRandom, bytes: number): Uint8Array {
  const words = new Uint32Array(bytes / 4);
  const first = random.u32();
  for (let i = 0; i < words.length; i++) words[i] = (first + Math.imul(i, 0x9e3779b9)) >>> 0;
  return new Uint8Array(words.buffer);
}

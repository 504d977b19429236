/** An initiator without a transport: commands and data in memory. */
import { strict as assert } from 'node:assert';
import { ScsiOp } from '../../src/machine/scsi/spec.ts';
import { Cdb, type ScsiData, type ScsiResult, type ScsiUnit } from '../../src/machine/scsi/unit.ts';
import type { SeededRandom } from '../../src/util/index.ts';

/** What came of a command. */
export interface Done extends ScsiResult {
  /** What was read, as much as was transferred. */
  readonly data: Uint8Array;
  /** Sense key, code and qualifier, as `5/24/00`; empty for none. */
  readonly told: string;
}

/** A command descriptor block of at least 16 bytes. */
export function cdbOf(...bytes: readonly number[]): Cdb {
  const all = new Uint8Array(32);
  all.set(bytes);
  return new Cdb(all);
}

/** Every operation code that a unit knows, for commands that get somewhere. */
const ops = Object.values(ScsiOp);

/** A random command: mostly one that units know, about few blocks, its other fields anything. */
export function randomCdb(random: SeededRandom): Uint8Array {
  const bytes = new Uint8Array(32);
  if (random.below(4) === 0) random.fill(bytes.subarray(0, 16));
  bytes[0] = random.below(20) === 0 ? random.below(256) : random.pick(ops);
  const set = (at: number, values: readonly number[]) => bytes.set(values, at);
  if (random.below(3) > 0) {
    set(1, [random.pick([0, 0, 1, 2, 8, 0x10])]);
    set(2, random.pick([[0, 0, 0, random.below(80)], [random.pick([0, 1, 2, 8, 0x2a, 0x3f, 0x80, 0x83, 0xb0, 0xb2])]]));
    set(4, [random.pick([0, 1, 2, 3, 8, 18, 36, 255])]);
    set(7, [0, random.pick([0, 1, 2, 8, 255]), random.pick([0, 0, random.below(80)])]);
    set(12, [0, random.pick([0, 1, 3])]);
  }
  return bytes;
}

/** Big-endian bytes of a number. */
export function be(value: number | bigint, bytes: number): number[] {
  const out: number[] = [];
  for (let rest = BigInt(value), i = 0; i < bytes; i++, rest >>= 8n) out.unshift(Number(rest & 0xffn));
  return out;
}

/** Data phases over memory; whoever goes outside them is noted in `wrong`. */
export class MemoryData implements ScsiData {
  readonly out: Uint8Array;
  readonly in: Uint8Array;
  readonly wrong: string[] = [];

  constructor(out: Uint8Array, room: number) {
    this.out = out;
    this.in = new Uint8Array(room);
  }

  get outBytes(): number {
    return this.out.length;
  }

  get inBytes(): number {
    return this.in.length;
  }

  take(at: number, into: Uint8Array): boolean {
    const inside = at >= 0 && at + into.length <= this.out.length;
    if (!inside) this.wrong.push(`takes ${into.length} at ${at} of ${this.out.length}`);
    into.set(this.out.subarray(at, at + into.length));
    return true;
  }

  give(at: number, from: Uint8Array): boolean {
    const inside = at >= 0 && at + from.length <= this.in.length;
    if (inside) this.in.set(from, at);
    else this.wrong.push(`gives ${from.length} at ${at} of ${this.in.length}`);
    return true;
  }
}

/** The sense of a result in digits. */
export function told({ sense }: ScsiResult): string {
  if (sense.length === 0) return '';
  const hex = (byte: number | undefined) => (byte ?? 0).toString(16).padStart(2, '0');
  return `${((sense[2] ?? 0) & 0xf).toString(16)}/${hex(sense[12])}/${hex(sense[13])}`;
}

/** Sends commands to a unit. */
export class Initiator {
  readonly unit: ScsiUnit;

  constructor(unit: ScsiUnit) {
    this.unit = unit;
  }

  /** A command that reads `room` bytes at most, or one that sends `room`. */
  async run(cdb: Cdb | readonly number[], room: number | Uint8Array = 0): Promise<Done> {
    const data = typeof room === 'number' ? new MemoryData(new Uint8Array(0), room) : new MemoryData(room, 0);
    const result = await this.unit.execute(cdb instanceof Cdb ? cdb : cdbOf(...cdb), data);
    assert.deepEqual(data.wrong, []);
    return { ...result, data: data.in.subarray(0, data.inBytes === 0 ? 0 : result.transferred), told: told(result) };
  }

  /** Takes the unit attentions that there are. */
  async attentions(): Promise<string[]> {
    const found: string[] = [];
    for (let sense = await this.run([0]); sense.told.startsWith('6/'); sense = await this.run([0]))
      found.push(sense.told);
    return found;
  }
}

import { strict as assert } from 'node:assert';
import { VirtioMmio as Reg, sharedMap, VirtqDescFlag } from '../../src/isa/index.ts';
import { MemBlock } from '../../src/machine/backend/mem-block.ts';
import { NullChar } from '../../src/machine/backend/null-char.ts';
import { NullNet } from '../../src/machine/backend/null-net.ts';
import { ScsiCdrom } from '../../src/machine/scsi/cdrom.ts';
import { ScsiDisk } from '../../src/machine/scsi/disk.ts';
import { VirtioBlk } from '../../src/machine/virtio/blk.ts';
import { VirtioConsole } from '../../src/machine/virtio/console.ts';
import type { VirtioDevice } from '../../src/machine/virtio/device.ts';
import { VirtioNet } from '../../src/machine/virtio/net.ts';
import { VirtioRng } from '../../src/machine/virtio/rng.ts';
import { VirtioScsi } from '../../src/machine/virtio/scsi.ts';
import { VIRTIO_REGION_BYTES } from '../../src/machine/virtio/transport-state.ts';
import { SeededRandom } from '../../src/util/index.ts';
import { randomCdb } from '../support/scsi.ts';
import { type DriverQueue, RAM, SLOT, TestSlot } from '../support/virtqueue.ts';

const RAM_BYTES = 0x4_0000;
const DISK_BYTES = 64 * 512;
const ROUNDS = process.env['NODEVISOR_TEST_FULL'] ? 5000 : 300;
const { NEXT, WRITE, INDIRECT } = VirtqDescFlag;

/** A device under abuse, and what shows that it works. */
interface Victim {
  make(): VirtioDevice;
  /** Queues that a driver sets up. */
  readonly queues: number;
  /** Queue on which `prove` sends a buffer, and the buffer's readable bytes; `room`: its writable bytes. */
  readonly proof: {
    readonly queue: number;
    readonly content: Uint8Array;
    readonly room: number;
    readonly written: number;
  };
  /** Puts plausible requests where the device reads from; without it block requests are there. */
  requests?(slot: TestSlot, random: SeededRandom): void;
}

const header = (type: number) => {
  const bytes = new Uint8Array(16);
  bytes[0] = type;
  return bytes;
};

/** INQUIRY to unit 0 of target 0. */
function inquiry(): Uint8Array {
  const bytes = new Uint8Array(51);
  bytes.set([1, 0, 0x40, 0]);
  bytes.set([0x12, 0, 0, 0, 36], 19);
  return bytes;
}

/** SCSI tasks all over the place, of one unit or the other; and task management functions here and there. */
function scsiRequests(slot: TestSlot, random: SeededRandom): void {
  const source = slot.ram.subarray(SOURCE.gpa - RAM, SOURCE.gpa - RAM + SOURCE.bytes);
  for (let at = 0; at < source.length; at += 32) {
    const isTask = random.below(8) > 0;
    const lun = [1, random.below(20) === 0 ? 1 : 0, 0x40, random.below(3)];
    source.fill(0, at, at + 32);
    if (isTask) source.set([...lun, 0, 0, 0, 0, random.below(4)], at);
    else source.set([0, 0, 0, 0, random.below(9), 0, 0, 0, ...lun], at);
    // What comes 16 bytes on is attributes and CDB of a task.
    source.set([random.below(4), 0, 0, ...randomCdb(random).subarray(0, 13)], at + 16);
  }
}

const victims: Record<string, Victim> = {
  blk: {
    make: () => new VirtioBlk(new MemBlock(DISK_BYTES), { queueSize: 16 }),
    queues: 1,
    proof: { queue: 0, content: header(0), room: 513, written: 513 },
  },
  console: {
    make: () => new VirtioConsole(new NullChar()),
    queues: 2,
    proof: { queue: 1, content: new Uint8Array(100), room: 0, written: 0 },
  },
  net: {
    make: () => new VirtioNet(new NullNet(), { mac: new Uint8Array(6), pairs: 2 }),
    queues: 5,
    proof: { queue: 1, content: new Uint8Array(100), room: 0, written: 0 },
  },
  rng: {
    make: () => new VirtioRng(new SeededRandom(1)),
    queues: 1,
    proof: { queue: 0, content: new Uint8Array(0), room: 10, written: 10 },
  },
  scsi: {
    make: () =>
      new VirtioScsi(
        [
          { target: 0, lun: 0, unit: new ScsiDisk(new MemBlock(DISK_BYTES)) },
          { target: 0, lun: 1, unit: new ScsiCdrom(new MemBlock(DISK_BYTES, { readOnly: true })) },
        ],
        { queueSize: 16, queues: 2 },
      ),
    queues: 4,
    proof: { queue: 2, content: inquiry(), room: 144, written: 144 },
    requests: scsiRequests,
  },
};

/** Lets everything end that is under way, also on a device that does not settle by itself. */
async function quiesce(slot: TestSlot): Promise<void> {
  await slot.serve();
  await slot.back.pause();
  await slot.back.resume();
}

/** After a reset the device serves a well-behaved driver, whatever came before. */
async function prove(slot: TestSlot, { proof }: Victim, what: string): Promise<void> {
  slot.ram.fill(0);
  const queue = slot.newDriver().start()[proof.queue] as DriverQueue;
  await slot.serve();
  const pieces = [];
  if (proof.content.length > 0) pieces.push({ gpa: slot.driver.place(proof.content), bytes: proof.content.length });
  if (proof.room > 0) pieces.push({ gpa: slot.driver.alloc(proof.room), bytes: proof.room, writable: true });
  const head = queue.add(pieces);
  queue.kick();
  await quiesce(slot);
  assert.deepEqual(queue.reap(), [{ head, written: proof.written }], `the device is broken after ${what}`);
  assert.equal(slot.driver.needsReset, false, what);
}

/** All of the machine's memory but its RAM and the slot's own region: nothing the guest does changes it. */
function hostState(slot: TestSlot): Uint8Array[] {
  const all = new Uint8Array(slot.buffer);
  const own = sharedMap.devices;
  return [all.slice(0, own), all.slice(own + VIRTIO_REGION_BYTES, sharedMap.ram)];
}

/** A 64-bit address: in RAM, around its ends, or anywhere. */
function address(random: SeededRandom): bigint {
  switch (random.below(4)) {
    case 0:
      return BigInt(RAM + RAM_BYTES - random.below(64));
    case 1:
      return (BigInt(random.u32()) << 32n) | BigInt(random.u32());
    default:
      return BigInt(RAM + random.below(RAM_BYTES));
  }
}

function length(random: SeededRandom): number {
  return random.pick([0, 1, 15, 16, 17, 32, 512, 513, 4096, 65536, 0x7fff_ffff, 0xffff_ffff, random.u32()]);
}

function rubbishRegisters(slot: TestSlot, random: SeededRandom, count: number): void {
  for (let i = 0; i < count; i++) {
    const width = random.pick([1, 2, 4, 4, 4, 4] as const);
    const near = random.below(4) > 0 ? 0x110 : SLOT.size;
    const off = Math.min(random.below(near) & ~(width - 1), SLOT.size - width);
    if (random.below(3) === 0) slot.driver.get(off, width);
    else slot.driver.set(off, random.below(2) === 0 ? random.u32() : random.below(16), width);
  }
}

/** Descriptors that are plausible enough to get somewhere. */
function rubbishTable(slot: TestSlot, random: SeededRandom, gpa: number, size: number): void {
  const raw = new DataView(new ArrayBuffer(16));
  for (let i = 0; i < size; i++) {
    raw.setBigUint64(0, address(random), true);
    raw.setUint32(8, length(random), true);
    raw.setUint16(12, random.below(4) === 0 ? random.below(8) : random.pick([0, NEXT, WRITE, NEXT | WRITE]), true);
    raw.setUint16(14, random.below(8) === 0 ? random.u32() & 0xffff : random.below(size), true);
    slot.memory.write(gpa + 16 * i, new Uint8Array(raw.buffer));
  }
}

/** Rings anywhere in RAM, overlapping as it may be, over a memory of rubbish. */
async function rubbishRings(slot: TestSlot, victim: Victim, random: SeededRandom): Promise<void> {
  const { driver } = slot;
  driver.negotiate(random.below(2) === 0 ? undefined : 0n);
  for (let q = 0; q < victim.queues; q++) {
    driver.set(Reg.QUEUE_SEL, q);
    const size = random.pick([1, 2, 4, 8, 16, driver.get(Reg.QUEUE_NUM_MAX)]);
    const at = () => RAM + (random.below(RAM_BYTES - 0x1000) & ~15);
    const [table, avail, used] = [at(), at(), at()];
    driver.set(Reg.QUEUE_NUM, size);
    driver.set(Reg.QUEUE_DESC_LOW, table);
    driver.set(Reg.QUEUE_DRIVER_LOW, avail);
    driver.set(Reg.QUEUE_DEVICE_LOW, used);
    rubbishTable(slot, random, table, size);
    for (let i = 0; i < size; i++) {
      slot.memory.setU16(avail + 4 + 2 * i, random.below(9) > 0 ? random.below(size) : random.u32());
    }
    slot.memory.setU16(avail + 2, random.below(9) > 0 ? random.below(size + 1) : random.u32());
    driver.set(Reg.QUEUE_READY, 1);
  }
  driver.driverOk();
  await slot.serve();
  for (let i = 0; i < 4; i++) {
    driver.set(Reg.QUEUE_NOTIFY, random.below(victim.queues + 1));
    if (random.below(2) === 0) await slot.serve();
    if (random.below(4) === 0) rubbishRegisters(slot, random, 5);
  }
}

/** Where the chains of `hostileChains` have the device write, and where they have it read. */
const ARENA = { gpa: RAM + 0x2_0000, bytes: 0x1_0000 } as const;
const SOURCE = { gpa: RAM + 0x3_0000, bytes: 0x1_0000 } as const;

/**
 * One chain, direct or indirect: mostly good, else looping, wild, out of order or otherwise broken; pieces overlap and
 * may be empty. All that it lends for writing is in the arena.
 */
function hostileChain(slot: TestSlot, queue: DriverQueue, random: SeededRandom): number {
  const evil = random.below(5) === 0;
  const rarely = (n: number) => evil && random.below(n) === 0;
  const table = slot.driver.alloc(16 * 64);
  const indirect = random.below(2) === 0;
  const size = indirect ? random.pick([2, 7, 16]) : queue.size;
  const count = Math.min(size, 2 + random.below(8));
  const first = random.below(size);
  const ids = Array.from({ length: count }, (_, i) => (indirect ? i : (first + i) % size));
  const readable = 1 + random.below(count - 1);
  ids.forEach((id, i) => {
    const writable = i >= readable !== rarely(12);
    const usual = i === 0 || i === count - 1 ? [16, 16, 512] : [0, 1, 16, 512, 512, 1024, random.below(0x1000)];
    const bytes = random.pick(evil ? [0, ...usual] : usual);
    const area = writable ? ARENA : SOURCE;
    const inside = BigInt(area.gpa + 16 * random.below((area.bytes - bytes) / 16));
    const wild = !writable && rarely(12);
    const loop = rarely(12);
    const next = loop ? random.pick(ids) : rarely(20) ? size + random.below(100) : (ids[i + 1] ?? 0);
    const flags = (writable ? WRITE : 0) | (i + 1 < count || loop ? NEXT : 0) | (rarely(20) ? INDIRECT : 0);
    queue.setDesc(id, wild ? address(random) : inside, bytes, flags, next, indirect ? table : queue.desc);
  });
  if (!indirect) return ids[0] as number;
  const head = random.below(queue.size);
  queue.setDesc(head, table, rarely(10) ? length(random) : 16 * size, INDIRECT | (rarely(10) ? NEXT : 0));
  return head;
}

/** The parts of RAM in which the device has nothing to write. */
function untouchable(slot: TestSlot, queues: readonly DriverQueue[]): Uint8Array {
  const ram = slot.ram.slice();
  ram.fill(0, ARENA.gpa - RAM, ARENA.gpa - RAM + ARENA.bytes);
  for (const queue of queues) ram.fill(0, queue.used - RAM, queue.used - RAM + 6 + 8 * queue.size);
  return ram;
}

/** Every 16 bytes may be the header of a block request. */
function blkRequests(slot: TestSlot, random: SeededRandom): void {
  for (let at = 0; at < SOURCE.bytes; at += 16) {
    slot.memory.setU32(SOURCE.gpa + at, random.pick([0, 0, 1, 1, 4, 8, 11, 13, 99]));
    slot.memory.setU32(SOURCE.gpa + at + 8, random.below(80));
  }
}

async function hostileChains(slot: TestSlot, victim: Victim, random: SeededRandom, what: string): Promise<void> {
  (victim.requests ?? blkRequests)(slot, random);
  const queues = slot.driver.start(random.below(10) === 0 ? 0n : undefined);
  await slot.serve();
  for (let turn = 0; turn < 4; turn++) {
    for (const queue of queues) {
      for (let i = random.below(4); i > 0; i--) queue.offer(hostileChain(slot, queue, random));
      if (random.below(60) === 0) queue.offer(random.u32() & 0xffff);
    }
    const before = untouchable(slot, queues);
    for (const queue of queues) slot.driver.set(Reg.QUEUE_NOTIFY, queue.index);
    await quiesce(slot);
    assert.ok(Buffer.from(before).equals(untouchable(slot, queues)), `memory outside buffers changed: ${what}`);
  }
}

for (const [name, victim] of Object.entries(victims)) {
  describe(`virtio-${name} under abuse`, () => {
    async function abuse(seed: number, how: (slot: TestSlot, random: SeededRandom, what: string) => Promise<void>) {
      const what = `seed ${seed}`;
      const random = new SeededRandom(seed);
      const slot = new TestSlot(victim.make(), { settle: seed % 2 === 0, ramBytes: RAM_BYTES });
      random.fill(slot.ram.subarray(0, 0x1000));
      try {
        const host = hostState(slot);
        await how(slot, random, what);
        await quiesce(slot);
        assert.ok(
          hostState(slot).every((bytes, i) => Buffer.from(bytes).equals(host[i] as Uint8Array)),
          `the host's memory changed: ${what}`,
        );
      } catch (error) {
        throw new Error(`${what}: ${(error as Error).message}`, { cause: error });
      }
      await prove(slot, victim, what);
      await slot.back.close();
    }

    it('survives rubbish in every register', async () => {
      for (let seed = 1; seed <= ROUNDS; seed++) {
        await abuse(seed, async (slot, random) => {
          for (let i = 0; i < 5; i++) {
            rubbishRegisters(slot, random, 40);
            await slot.serve();
          }
        });
      }
    }).timeout(600_000);

    it('survives rubbish in its rings', async () => {
      for (let seed = 1; seed <= ROUNDS; seed++) {
        await abuse(seed, (slot, random) => rubbishRings(slot, victim, random));
      }
    }).timeout(600_000);

    it('writes nothing but its buffers, whatever the chains', async () => {
      for (let seed = 1; seed <= ROUNDS; seed++) {
        await abuse(seed, (slot, random, what) => hostileChains(slot, victim, random, what));
      }
    }).timeout(600_000);
  });
}

import { strict as assert } from 'node:assert';
import { VirtioMmio as Reg } from '../../../src/isa/index.ts';
import type { BlockBackend } from '../../../src/machine/backend/block.ts';
import { MemBlock } from '../../../src/machine/backend/mem-block.ts';
import { VirtioBlk, type VirtioBlkOptions } from '../../../src/machine/virtio/blk.ts';
import { BlkFeature, BlkStatus, BlkType } from '../../../src/machine/virtio/blk-spec.ts';
import { SeededRandom } from '../../../src/util/index.ts';
import { INDIRECT_DESC, TestSlot, until } from '../../support/virtqueue.ts';
import { BlkDriver, ranges } from './blk-driver.ts';

const { IN, OUT, FLUSH, GET_ID, DISCARD, WRITE_ZEROES } = BlkType;
const { OK, IOERR, UNSUPP } = BlkStatus;
const SECTORS = 64;

function pattern(bytes: number, seed = 1): Uint8Array {
  const out = new Uint8Array(bytes);
  new SeededRandom(seed).fill(out);
  return out;
}

/** A disk whose operations end when the test says so, and that keeps a journal. */
class SlowBlock extends MemBlock {
  readonly journal: string[] = [];
  readonly waiting: { name: string; end: (error?: Error) => void }[] = [];

  override async read(offset: number, into: Uint8Array): Promise<void> {
    await this.#wait(`read ${offset / 512}`);
    return super.read(offset, into);
  }

  override async write(offset: number, from: Uint8Array): Promise<void> {
    await this.#wait(`write ${offset / 512}`);
    return super.write(offset, from);
  }

  override async flush(): Promise<void> {
    await this.#wait('flush');
  }

  /** Ends the operation of that name that has waited longest. */
  end(name: string, error?: Error): void {
    const at = this.waiting.findIndex((w) => w.name === name);
    assert.notEqual(at, -1, `${name} is not under way`);
    this.waiting.splice(at, 1)[0]?.end(error);
  }

  #wait(name: string): Promise<void> {
    this.journal.push(name);
    return new Promise((resolve, reject) => {
      this.waiting.push({ name, end: (error) => (error === undefined ? resolve() : reject(error)) });
    });
  }
}

interface Disk {
  readonly slot: TestSlot;
  readonly blk: BlkDriver;
}

async function disk(
  backend: BlockBackend,
  options: { features?: bigint; settle?: boolean; blk?: VirtioBlkOptions } = {},
): Promise<Disk> {
  const slot = new TestSlot(new VirtioBlk(backend, options.blk), {
    settle: options.settle ?? true,
    ramBytes: 0x80_0000,
  });
  return { slot, blk: await BlkDriver.start(slot, options.features) };
}

describe('virtio-blk', () => {
  it('describes its disk', async () => {
    const { slot } = await disk(new MemBlock(SECTORS * 512));
    const { driver } = slot;
    assert.equal(driver.get(Reg.DEVICE_ID), 2);
    assert.equal(driver.get(Reg.CONFIG), SECTORS);
    assert.equal(driver.get(Reg.CONFIG + 12), 254, 'seg_max');
    assert.equal(driver.get(Reg.CONFIG + 20), 512, 'blk_size');
    const { SEG_MAX, BLK_SIZE, TOPOLOGY, RO, MQ } = BlkFeature;
    const wanted = SEG_MAX | BLK_SIZE | TOPOLOGY | BlkFeature.FLUSH | BlkFeature.DISCARD | BlkFeature.WRITE_ZEROES;
    assert.equal(driver.offered() & (wanted | RO | MQ), wanted);
  });

  it('reads and writes, in any number of pieces, direct and indirect', async () => {
    const backend = new MemBlock(SECTORS * 512);
    const { blk } = await disk(backend);
    for (const [pieces, indirect] of [
      [1, false],
      [3, false],
      [7, true],
    ] as const) {
      blk.indirect = indirect;
      const data = pattern(4096, pieces);
      assert.deepEqual(await blk.request(OUT, 5, data, pieces).then((a) => [a.status, a.written]), [OK, 1]);
      assert.deepEqual(backend.bytes.subarray(5 * 512, 5 * 512 + 4096), data);
      const answer = await blk.request(IN, 5, 4096, pieces);
      assert.deepEqual([answer.status, answer.written], [OK, 4097]);
      assert.deepEqual(answer.data, data);
    }
  });

  it('does not care how header, data and status are cut into descriptors', async () => {
    const content = pattern(SECTORS * 512);
    const { slot, blk } = await disk(new MemBlock(content));
    const { driver } = slot;
    const header = driver.place(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0));
    const data = driver.alloc(513);
    const head = blk.queue.add([
      { gpa: header, bytes: 3 },
      { gpa: header + 3, bytes: 13 },
      { gpa: data, bytes: 1, writable: true },
      { gpa: data + 1, bytes: 512, writable: true },
    ]);
    blk.queue.kick();
    await slot.serve();
    assert.deepEqual(blk.queue.reap(), [{ head, written: 513 }]);
    assert.deepEqual(driver.fetch(data, 512), content.subarray(3 * 512, 4 * 512));
    assert.equal(driver.fetch(data + 512, 1)[0], OK);
  });

  it('moves requests larger than its buffers', async () => {
    const backend = new MemBlock(4 * 2 ** 20);
    const { blk } = await disk(backend);
    const data = pattern(3 * 2 ** 19 + 512);
    assert.equal((await blk.request(OUT, 1, data, 3)).status, OK);
    assert.deepEqual(backend.bytes.subarray(512, 512 + data.length), data);
    const answer = await blk.request(IN, 1, data.length, 2);
    assert.equal(answer.written, data.length + 1);
    assert.deepEqual(answer.data, data);
  });

  it('fails what is not wholly on the disk, and changes nothing', async () => {
    const content = pattern(SECTORS * 512);
    const backend = new MemBlock(content.slice());
    const { blk } = await disk(backend);
    const beyond = [SECTORS, SECTORS - 1, -1, 2n ** 55n, 2n ** 63n] as const;
    for (const sector of beyond) {
      const read = await blk.request(IN, sector, 1024);
      assert.deepEqual([read.status, read.written], [IOERR, 0], `read at ${sector}`);
      assert.equal((await blk.request(OUT, sector, pattern(1024))).status, IOERR, `write at ${sector}`);
    }
    assert.equal((await blk.request(IN, 0, 511)).status, IOERR);
    assert.equal((await blk.request(OUT, 0, pattern(513))).status, IOERR);
    assert.deepEqual(backend.bytes, content);
    assert.equal((await blk.request(IN, SECTORS - 2, 1024)).status, OK);
    assert.equal((await blk.request(IN, SECTORS, 0)).status, OK);
  });

  it('tells its serial number, cut or padded to 20 bytes', async () => {
    const { blk } = await disk(new MemBlock(512), { blk: { serial: 'abc' } });
    const answer = await blk.request(GET_ID, 0, 20);
    assert.deepEqual([answer.status, answer.written], [OK, 21]);
    assert.equal(Buffer.from(answer.data).toString('latin1'), 'abc'.padEnd(20, '\0'));
    const short = await blk.request(GET_ID, 0, 2);
    assert.deepEqual([short.written, ...short.data], [3, 0x61, 0x62]);
    const long = await disk(new MemBlock(512), { blk: { serial: 'x'.repeat(30) } });
    assert.equal((await long.blk.request(GET_ID, 0, 30)).written, 20);
  });

  it('answers unknown requests with UNSUPP', async () => {
    const { blk } = await disk(new MemBlock(512));
    for (const type of [2, 3, 7, 10, 12, 14, 0xffff_ffff]) {
      assert.equal((await blk.request(type, 0, pattern(512))).status, UNSUPP, `type ${type}`);
    }
  });

  it('writes zeroes and discards, range by range', async () => {
    const content = pattern(SECTORS * 512);
    const backend = new MemBlock(content.slice());
    const { blk } = await disk(backend);
    assert.equal((await blk.request(WRITE_ZEROES, 0, ranges([1, 2, 0], [10, 1, 1]))).status, OK);
    const expected = content.slice();
    expected.fill(0, 512, 3 * 512).fill(0, 10 * 512, 11 * 512);
    assert.deepEqual(backend.bytes, expected);
    assert.equal((await blk.request(DISCARD, 0, ranges([20, 4, 0], [40, 1, 0]))).status, OK);
  });

  it('refuses ranges that break the rules, all of them together', async () => {
    const content = pattern(SECTORS * 512);
    const backend = new MemBlock(content.slice());
    const { blk } = await disk(backend);
    const refused = async (type: number, data: Uint8Array) => (await blk.request(type, 0, data)).status;
    assert.equal(await refused(WRITE_ZEROES, ranges([1, 1, 0], [SECTORS, 1, 0])), IOERR);
    assert.equal(await refused(WRITE_ZEROES, ranges([1, 1, 0], [2n ** 64n - 1n, 1, 0])), IOERR);
    assert.equal(await refused(WRITE_ZEROES, ranges([1, 1, 0], [0, 0xffff_ffff, 0])), IOERR);
    assert.equal(await refused(WRITE_ZEROES, ranges([1, 1, 2])), UNSUPP);
    assert.equal(await refused(DISCARD, ranges([1, 1, 1])), UNSUPP);
    assert.equal(await refused(DISCARD, new Uint8Array(0)), IOERR);
    assert.equal(await refused(DISCARD, new Uint8Array(17)), IOERR);
    const many = Array.from({ length: 33 }, () => [0, 1, 0] as const);
    assert.equal(await refused(DISCARD, ranges(...many)), IOERR);
    assert.deepEqual(backend.bytes, content);
  });

  it('knows no discard that was not negotiated', async () => {
    const { blk } = await disk(new MemBlock(SECTORS * 512), { features: 0n });
    assert.equal((await blk.request(DISCARD, 0, ranges([1, 1, 0]))).status, UNSUPP);
    assert.equal((await blk.request(WRITE_ZEROES, 0, ranges([1, 1, 0]))).status, UNSUPP);
  });

  it('does not change a read-only disk', async () => {
    const content = pattern(SECTORS * 512);
    const { slot, blk } = await disk(new MemBlock(content.slice(), { readOnly: true }));
    const offered = slot.driver.offered();
    assert.equal(offered & (BlkFeature.RO | BlkFeature.DISCARD | BlkFeature.WRITE_ZEROES), BlkFeature.RO);
    assert.equal((await blk.request(OUT, 0, pattern(512, 2))).status, IOERR);
    assert.equal((await blk.request(WRITE_ZEROES, 0, ranges([0, 1, 0]))).status, UNSUPP);
    assert.equal((await blk.request(FLUSH, 0, 0)).status, OK);
    assert.deepEqual((await blk.request(IN, 0, SECTORS * 512)).data, content);
  });

  it('announces a new size', async () => {
    const backend = new MemBlock(SECTORS * 512);
    const { slot, blk } = await disk(backend);
    slot.driver.acknowledge();
    assert.equal((await blk.request(IN, SECTORS, 512)).status, IOERR);
    slot.driver.acknowledge();
    backend.resize(2 * SECTORS * 512);
    assert.equal(slot.driver.acknowledge(), 2);
    assert.equal(slot.driver.get(Reg.CONFIG), 2 * SECTORS);
    assert.equal((await blk.request(IN, SECTORS, 512)).status, OK);
  });

  it('needs a reset after a request without header or status', async () => {
    const pieces = (gpa: number) => [
      [{ gpa, bytes: 16 }],
      [
        { gpa, bytes: 15 },
        { gpa, bytes: 1, writable: true },
      ],
      [{ gpa, bytes: 64, writable: true }],
    ];
    for (const index of [0, 1, 2]) {
      const { slot, blk } = await disk(new MemBlock(512));
      const chain = pieces(slot.driver.alloc(64))[index] ?? [];
      blk.queue.add(chain);
      blk.queue.kick();
      await slot.serve();
      assert.equal(slot.driver.needsReset, true);
      const again = await BlkDriver.start(slot);
      assert.equal((await again.request(IN, 0, 512)).status, OK);
    }
  });
});

describe('virtio-blk with a slow disk', () => {
  it('serves requests side by side, to end in any order', async () => {
    const backend = new SlowBlock(SECTORS * 512);
    const { slot, blk } = await disk(backend, { settle: false });
    const first = blk.send(IN, 1, 512);
    const second = blk.send(IN, 2, 512);
    blk.queue.kick();
    await slot.serve();
    const third = blk.send(IN, 3, 512);
    blk.queue.kick();
    await slot.serve();
    assert.deepEqual(backend.journal, ['read 1', 'read 2', 'read 3']);
    backend.end('read 3');
    await until(() => blk.finished(third));
    assert.equal(blk.finished(first) || blk.finished(second), false);
    backend.end('read 1');
    backend.end('read 2');
    await until(() => blk.finished(first) && blk.finished(second));
  });

  it('takes only so many at a time, and the others when there is room', async () => {
    const backend = new SlowBlock(SECTORS * 512);
    const { slot, blk } = await disk(backend, { settle: false, features: INDIRECT_DESC });
    blk.indirect = true;
    const sent = Array.from({ length: 100 }, (_, i) => blk.send(IN, i % SECTORS, 512));
    blk.queue.kick();
    await slot.serve();
    assert.equal(backend.waiting.length, 32);
    assert.equal(blk.queue.wantsKick, false, 'it knows that there is more');
    while (backend.journal.length < 100 || backend.waiting.length > 0) {
      assert.ok(backend.waiting.length <= 32);
      await until(() => backend.waiting.length > 0);
      backend.waiting.shift()?.end();
    }
    await until(() => sent.every((request) => blk.finished(request)));
  });

  it('flushes after the writes that came before, without holding up what comes after', async () => {
    const backend = new SlowBlock(SECTORS * 512);
    const { slot, blk } = await disk(backend, { settle: false });
    const write = blk.send(OUT, 1, pattern(512));
    const flush = blk.send(FLUSH, 0, 0);
    const later = blk.send(OUT, 2, pattern(512));
    blk.queue.kick();
    await slot.serve();
    assert.deepEqual(backend.journal, ['write 1', 'write 2']);
    backend.end('write 2');
    await until(() => blk.finished(later));
    assert.deepEqual(backend.journal, ['write 1', 'write 2']);
    backend.end('write 1');
    await until(() => backend.journal.includes('flush'));
    assert.equal(blk.finished(flush), false);
    backend.end('flush');
    await until(() => blk.finished(flush) && blk.finished(write));
  });

  it('makes every write stable for a driver that cannot flush', async () => {
    const backend = new SlowBlock(SECTORS * 512);
    const { slot, blk } = await disk(backend, { settle: false, features: 0n });
    const write = blk.send(OUT, 1, pattern(512));
    blk.queue.kick();
    await slot.serve();
    backend.end('write 1');
    await until(() => backend.journal.includes('flush'));
    assert.equal(blk.finished(write), false);
    backend.end('flush');
    await until(() => blk.finished(write));
  });

  it('reports the host’s errors to the guest as IOERR, and goes on', async () => {
    const backend = new SlowBlock(SECTORS * 512);
    const { slot, blk } = await disk(backend, { settle: false });
    for (const [type, name] of [
      [IN, 'read 1'],
      [OUT, 'write 1'],
      [FLUSH, 'flush'],
    ] as const) {
      const sent = blk.send(type, 1, type === OUT ? pattern(512) : type === IN ? 512 : 0);
      blk.queue.kick();
      await slot.serve();
      backend.end(name, new Error('the disk is broken'));
      const answer = await blk.answer(sent);
      assert.equal(answer.status, IOERR);
    }
  });

  it('forgets requests under way at a reset, but waits for them before it serves a new driver', async () => {
    const backend = new SlowBlock(pattern(SECTORS * 512));
    const { slot, blk } = await disk(backend, { settle: false });
    const old = blk.send(IN, 1, 512);
    blk.queue.kick();
    await slot.serve();
    slot.driver.set(Reg.STATUS, 0);
    const [queue] = slot.driver.start();
    const fresh = new BlkDriver(slot, queue as BlkDriver['queue']);
    const sent = fresh.send(IN, 2, 512);
    const served = slot.serve();
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(backend.journal, ['read 1']);
    backend.end('read 1');
    await served;
    assert.deepEqual(backend.journal, ['read 1', 'read 2']);
    assert.deepEqual(slot.driver.fetch(old.data, 512), new Uint8Array(512), 'nothing of it has reached the guest');
    assert.deepEqual([...slot.driver.fetch(old.status, 1)], [0xee]);
    assert.equal(blk.finished(old), false);
    backend.end('read 2');
    await until(() => fresh.finished(sent));
  });

  it('finishes what is under way before it pauses', async () => {
    const backend = new SlowBlock(SECTORS * 512);
    const { slot, blk } = await disk(backend, { settle: false });
    const sent = blk.send(IN, 1, 512);
    blk.queue.kick();
    await slot.serve();
    const paused = slot.back.pause();
    await new Promise((resolve) => setImmediate(resolve));
    backend.end('read 1');
    await paused;
    assert.equal(blk.finished(sent), true);
  });

  it('serves one request after another in a deterministic machine', async () => {
    const backend = new SlowBlock(SECTORS * 512);
    const { slot, blk } = await disk(backend, { settle: true });
    const sent = [3, 1, 2].map((sector) => blk.send(IN, sector, 512));
    blk.queue.kick();
    let served = false;
    const serving = slot.serve().then(() => {
      served = true;
    });
    for (const sector of [3, 1, 2]) {
      await until(() => backend.waiting.length > 0);
      assert.equal(served, false);
      assert.deepEqual(
        backend.waiting.map((w) => w.name),
        [`read ${sector}`],
      );
      backend.end(`read ${sector}`);
    }
    await serving;
    assert.deepEqual(
      blk.queue.reap().map((used) => used.head),
      sent.map((request) => request.head),
    );
  });

  it('serves several queues', async () => {
    const backend = new SlowBlock(pattern(SECTORS * 512));
    const slot = new TestSlot(new VirtioBlk(backend, { queues: 3 }), { settle: false, ramBytes: 0x20_0000 });
    assert.equal(slot.driver.offered() & BlkFeature.MQ, BlkFeature.MQ);
    assert.equal(slot.driver.get(Reg.CONFIG + 34, 2), 3);
    const drivers = slot.driver.start().map((queue) => new BlkDriver(slot, queue));
    await slot.serve();
    const sent = drivers.map((blk, i) => blk.send(IN, i, 512));
    for (const blk of drivers) blk.queue.kick();
    await slot.serve();
    for (const i of [2, 0, 1]) {
      backend.end(`read ${i}`);
      const blk = drivers[i] as BlkDriver;
      await until(() => blk.finished(sent[i] as ReturnType<BlkDriver['send']>));
    }
  });
});

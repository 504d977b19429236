import { strict as assert } from 'node:assert';
import { VirtioMmio as Reg } from '../../../src/isa/index.ts';
import { MemBlock } from '../../../src/machine/backend/mem-block.ts';
import { VirtioBlk } from '../../../src/machine/virtio/blk.ts';
import { BlkFeature, BlkStatus, BlkType } from '../../../src/machine/virtio/blk-spec.ts';
import { INDIRECT_DESC, TestSlot, until } from '../../support/virtqueue.ts';
import { BlkDriver, disk, pattern } from './blk-driver.ts';

const { IN, OUT, FLUSH } = BlkType;
const { IOERR } = BlkStatus;
const SECTORS = 64;

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
